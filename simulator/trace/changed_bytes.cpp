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
  std::string_view where;  ///< behind the number of the byte; empty: the finding's sentence names it
};

constexpr std::array<Row, static_cast<std::size_t>(Held::count_)> rows = {{
    {{}, {}},
    {{"before", "after"}, "of the page"},
    {{"given", "handed on"}, "of the write"},
    {{"before", "after"}, "of FILTER_INITIALIZATION_DATA"},
    {{"before", "after"}, "of FILTER_EXTENSION"},
    {{"before", "after"}, "before the block"},
    {{"before", "after"}, "behind the block"},
    {{"in memory", "on disk"}, "of the sector"},
    {{"written", "read back"}, {}},
    {{"expected", "on disk"}, {}},
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
  const std::size_t length = std::min(before.size(), after.size());
  return length == 0 ? ChangedBytes{} : kept(held, before.first(length), after.first(length), 0);
}

ChangedBytes checked(const ChangedBytes& bytes) {
  return bytes.held < Held::count_ && bytes.length <= ChangedBytes::most ? bytes : ChangedBytes{};
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
  const std::string_view where = rows.at(static_cast<std::size_t>(bytes.held)).where;
  return where.empty() ? "that byte" : fmt::format("byte {:#x} {}", bytes.at, where);
}

}  // namespace dumpsim::trace
