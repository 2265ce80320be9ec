// SPDX-License-Identifier: Apache-2.0
// Which write put something on the disk: found in the trace afterwards, so that it costs a run nothing. A folded dump
// of a tebibyte is a few rows here as well.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/offsets.hpp"
#include "trace/reader.hpp"

namespace dumpsim::engine {

class WriteHistory {
 public:
  struct Write {
    std::uint64_t number = 0;    ///< counts port_write and disk_write events from 1
    std::uint64_t callback = 0;  ///< callbacks entered by then: the last one is the writer's
    bool failed = false;         ///< its status says so, which does not mean that nothing was written
  };

  explicit WriteHistory(const trace::TraceView& view);

  /// The last write over the byte at `at`; nothing when there is none in the trace.
  std::optional<Write> last_over(DiskOffset at) const;
  /// "put there by write 5 (callback 12)", "… (callback 12), which failed", or that it is not in the trace.
  std::string words(DiskOffset at) const;

 private:
  /// A write and its repeats, each `stride` bytes on.
  struct Row {
    std::uint64_t offset = 0;
    std::uint64_t length = 0;
    std::uint64_t stride = 0;
    std::uint64_t count = 1;
    bool moves = false;        // whether repeats go on where it ended
    std::uint64_t record = 0;  // which record of the trace
    Write first;
    std::uint64_t writes_a_step = 0;
    std::uint64_t callbacks_a_step = 0;
  };
  static std::optional<std::uint64_t> last_repeat_over(const Row& row, std::uint64_t at);
  std::vector<Row> rows_;
};

/// How one write is called in a message.
std::string words_for(const WriteHistory::Write& write);

}  // namespace dumpsim::engine
