// SPDX-License-Identifier: Apache-2.0
// Writes events into memory shared with the parent, under a fixed bound, at a few nanoseconds each. Folding happens
// here, while the step is still in the cache; so do the tallies that expectations read, which stay exact however much
// was folded or did not fit. Single-threaded, allocation-free after construction, async-signal-safe (a fault handler
// emits).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "trace/record.hpp"

namespace dumpsim::trace {

/// Exact counts per image and callback.
struct CallbackTally {
  std::uint64_t calls = 0;
  std::uint64_t failures = 0;  ///< negative statuses
  std::int32_t last_status = 0;
  std::uint32_t min_length = 0;  ///< of the transfers; 0 when there were none
  std::uint32_t max_length = 0;
  std::uint32_t reserved = 0;
  std::uint64_t bytes = 0;
};

/// A run of equal calls in the order they happened: what `calls = [...]` matches, exact under a bound of runs.
struct CallRun {
  std::uint16_t image = no_image;
  Callback callback = Callback::none;
  std::uint8_t reserved = 0;
  std::int32_t status = 0;
  std::uint64_t count = 0;
};

struct RecorderOptions {
  bool fold = true;      ///< equal steps become one `repeat`
  bool digests = false;  ///< digests of transferred data in port_write/callback records (breaks folding by nature)
};

inline constexpr std::size_t max_images = 64;
inline constexpr std::size_t max_call_runs = 8192;

/// Lies at the front of the shared block; the parent treats every field as untrusted.
struct TraceHeader;

class Recorder {
 public:
  /// `memory` is the shared block (at least minimum_bytes()); `clock` is the machine's virtual time, read at each
  /// record.
  Recorder(std::span<std::byte> memory, const std::uint64_t* clock, RecorderOptions options);

  static std::size_t minimum_bytes();

  void emit(Record record, std::span<const std::byte> payload = {});
  void emit(Record record, std::string_view payload);

  /// Brackets one foldable unit (a physical write with its callbacks). Steps do not nest; a fault inside leaves it
  /// open, and what was recorded stays.
  void begin_step();
  void end_step();

  bool digests() const { return options_.digests; }

 private:
  RecorderOptions options_;
  // … implementation owned by the trace room
};

}  // namespace dumpsim::trace
