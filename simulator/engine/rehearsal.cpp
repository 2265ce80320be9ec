// SPDX-License-Identifier: Apache-2.0
#include "engine/rehearsal.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <string_view>
#include <vector>

#include "engine/reference.hpp"
#include "trace/text.hpp"
#include "trace/utf8.hpp"

namespace dumpsim::engine {
namespace {

constexpr std::size_t most_line = 72;  // what a violation's record has room for, twice

bool same(const trace::Event& a, const trace::Event& b) {
  return std::memcmp(&a.record, &b.record, sizeof a.record) == 0 &&
         std::equal(a.payload.begin(), a.payload.end(), b.payload.begin(), b.payload.end());
}

std::vector<std::string> lines_of(const trace::TraceView& view) {
  std::vector<std::string> lines;
  trace::write_text(view, [&](std::string_view line) { lines.emplace_back(line); });
  return lines;
}

/// Without the columns' white space, and no longer than there is room.
std::string brief(std::string_view line) {
  std::string words;
  for (const char c : line) {
    if (c == '\n' || (c == ' ' && (words.empty() || words.back() == ' '))) continue;
    words += c;
  }
  return words.size() <= most_line ? words : std::string(trace::utf8_prefix(words, most_line)) + "…";
}

}  // namespace

std::string difference_of_traces(const trace::TraceView& first, const trace::TraceView& second) {
  std::uint64_t record = 1;
  auto a = first.begin(), b = second.begin();
  while (a != first.end() && b != second.end() && same(*a, *b)) {
    ++a;
    ++b;
    ++record;
  }
  if (a == first.end() && b == second.end()) return {};
  const std::vector<std::string> before = lines_of(first), now = lines_of(second);
  const std::size_t most = std::min(before.size(), now.size());
  std::size_t line = 0;
  while (line < most && before[line] == now[line]) ++line;
  // Digests, say, do not show in the text.
  if (line == before.size() && line == now.size()) return fmt::format("record {} of the trace differs", record);
  const auto shown = [&](const std::vector<std::string>& lines) {
    return line < lines.size() ? fmt::format("\"{}\"", brief(lines[line])) : std::string("nothing");
  };
  return fmt::format("line {} of the trace was {} and is {}", line + 1, shown(before), shown(now));
}

Result<std::string> difference_from(const Rehearsal& rehearsal, const trace::TraceView& view, disk::BlockDevice& disk,
                                    const DumpPlaces& places) {
  auto before = trace::TraceView::open(rehearsal.trace.bytes());
  if (!before) return before.error();
  if (std::string difference = difference_of_traces(*before, view); !difference.empty()) return difference;
  if (!disk.keeps_content()) return std::string();
  auto difference = first_difference(*rehearsal.disk, disk);
  if (!difference) return difference.error();
  if (!*difference) return std::string();
  return fmt::format("the traces are the same, the disks are not: {} was {:#04x} and is {:#04x}",
                     places.words((*difference)->at), static_cast<unsigned>((*difference)->first),
                     static_cast<unsigned>((*difference)->second));
}

}  // namespace dumpsim::engine
