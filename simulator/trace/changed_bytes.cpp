// SPDX-License-Identifier: Apache-2.0
#include "trace/changed_bytes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <cstring>

namespace dumpsim::trace {
namespace {

struct Row {
  HeldWords words;
  std::string_view where;  ///< behind the number of the byte
};

constexpr std::array<Row, static_cast<std::size_t>(Held::count_)> rows = {{
    {{"", ""}, ""},
    {{"before", "after"}, "of the page"},
    {{"given", "handed on"}, "of the write"},
    {{"before", "after"}, "of FILTER_INITIALIZATION_DATA"},
    {{"before", "after"}, "of FILTER_EXTENSION"},
    {{"before", "after"}, "before the block"},
    {{"before", "after"}, "behind the block"},
    {{"in memory", "on disk"}, "of the sector"},
    {{"written", "read back"}, "of the dump file"},
    {{"expected", "on disk"}, "of the dump file"},
}};

ChangedBytes kept(Held held, std::span<const std::byte> before, std::span<const std::byte> after, std::size_t at) {
  ChangedBytes bytes{.held = held, .at = static_cast<std::uint32_t>(at)};
  const std::size_t length = std::min(ChangedBytes::most, before.size() - at);
  std::memcpy(bytes.before.data(), before.data() + at, length);
  std::memcpy(bytes.after.data(), after.data() + at, length);
  bytes.length = static_cast<std::uint8_t>(length);
  return bytes;
}

}  // namespace

ChangedBytes first_change(Held held, std::span<const std::byte> before, std::span<const std::byte> after) {
  assert(before.size() == after.size());
  for (std::size_t i = 0; i < before.size(); ++i) {
    if (before[i] != after[i]) return kept(held, before, after, i);
  }
  return {};
}

ChangedBytes beginnings(Held held, std::span<const std::byte> before, std::span<const std::byte> after) {
  assert(before.size() == after.size());
  return before.empty() ? ChangedBytes{} : kept(held, before, after, 0);
}

std::string spaced_hex(std::span<const std::byte> bytes) {
  std::string text;
  for (const std::byte each : bytes)
    text += fmt::format("{}{:02x}", text.empty() ? "" : " ", std::to_integer<unsigned>(each));
  return text;
}

HeldWords words_of(Held held) {
  return rows.at(static_cast<std::size_t>(held)).words;
}

std::string place_in_words(const ChangedBytes& bytes) {
  return fmt::format("byte {:#x} {}", bytes.at, rows.at(static_cast<std::size_t>(bytes.held)).where);
}

}  // namespace dumpsim::trace
