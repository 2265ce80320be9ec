// SPDX-License-Identifier: Apache-2.0
#include "engine/write_history.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.hpp"

namespace dumpsim::engine {

WriteHistory::WriteHistory(const trace::TraceView& view) {
  using trace::Kind;
  std::vector<std::uint64_t> entered;  // records of callbacks since the last repeat
  std::uint64_t record_number = 0, writes = 0, callbacks = 0;
  for (const trace::Event& event : view) {
    const trace::Record& record = event.record;
    ++record_number;
    switch (record.kind) {
      case Kind::callback_entered:
        ++callbacks;
        entered.push_back(record_number);
        break;
      case Kind::port_write:
      case Kind::disk_write:
        ++writes;
        rows_.push_back({.offset = record.offset,
                         .length = record.length,
                         .moves = (record.moves & trace::move_offset) != 0,
                         .record = record_number,
                         .first = {writes, callbacks, record.status < 0}});
        break;
      case Kind::repeat: {
        // The step that is repeated is the last `flags` records before this one.
        const std::uint64_t begin = record_number > record.flags ? record_number - record.flags : 0;
        const auto first =
            std::find_if(rows_.rbegin(), rows_.rend(), [&](const Row& row) { return row.record < begin; }).base();
        const auto steps_writes = static_cast<std::uint64_t>(rows_.end() - first);
        const auto steps_callbacks = static_cast<std::uint64_t>(
            std::count_if(entered.begin(), entered.end(), [&](std::uint64_t each) { return each >= begin; }));
        for (auto row = first; row != rows_.end(); ++row) {
          row->stride = row->moves ? record.length : 0;
          row->count = record.arg + 1;
          row->writes_a_step = steps_writes;
          row->callbacks_a_step = steps_callbacks;
        }
        writes += record.arg * steps_writes;
        callbacks += record.arg * steps_callbacks;
        entered.clear();
        break;
      }
      default:
        break;
    }
  }
}

/// Which repeat (0 is the write itself) covers `at`, the last of them.
std::optional<std::uint64_t> WriteHistory::last_repeat_over(const Row& row, std::uint64_t at) {
  if (at < row.offset) return std::nullopt;
  if (row.stride == 0) return at - row.offset < row.length ? std::optional(row.count - 1) : std::nullopt;
  const std::uint64_t repeat = std::min((at - row.offset) / row.stride, row.count - 1);
  return at - row.offset - repeat * row.stride < row.length ? std::optional(repeat) : std::nullopt;
}

std::optional<WriteHistory::Write> WriteHistory::last_over(DiskOffset at) const {
  std::optional<Write> last;
  for (const Row& row : rows_) {
    const auto repeat = last_repeat_over(row, at.bytes);
    if (!repeat) continue;
    const std::uint64_t number = row.first.number + *repeat * row.writes_a_step;
    if (last && last->number > number) continue;
    last = Write{number, row.first.callback + *repeat * row.callbacks_a_step, row.first.failed};
  }
  return last;
}

std::string words_for(const WriteHistory::Write& write) {
  return fmt::format("write {} (callback {}){}", with_thousands(write.number), with_thousands(write.callback),
                     write.failed ? ", which failed" : "");
}

std::string WriteHistory::words(DiskOffset at) const {
  const auto write = last_over(at);
  return write ? "put there by " + words_for(*write) : std::string("by a write that is not in the trace");
}

}  // namespace dumpsim::engine
