// SPDX-License-Identifier: Apache-2.0
#include "base/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <numeric>
#include <utility>

namespace dumpsim {
namespace {

struct Unit {
  std::string_view name;
  unsigned shift;
};
constexpr std::array<Unit, 5> units{{{"TiB", 40}, {"GiB", 30}, {"MiB", 20}, {"KiB", 10}, {"B", 0}}};

bool same_letters(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(), [&](char x, char y) { return lower(x) == lower(y); });
}

int digit_of(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// Letters put in, left out, replaced, or two neighbours that changed places.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::swap(before, last);
    std::swap(last, row);
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) row[j] = std::min(row[j], before[j - 2] + 1);
    }
  }
  return row[b.size()];
}

}  // namespace

Result<std::uint64_t> parse_size(std::string_view text) {
  const std::string_view whole = text;
  int base = 10;
  if (text.starts_with("0x") || text.starts_with("0X")) {
    text.remove_prefix(2);
    base = 16;
  }
  std::uint64_t number = 0;
  const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  if (status == std::errc::result_out_of_range) return Error{fmt::format("size \"{}\" does not fit in 64 bits", whole)};
  if (status != std::errc{})
    return Error{fmt::format("\"{}\" is no size; expected a number with an optional unit, such as \"64 MiB\"", whole)};
  std::string_view unit = text.substr(static_cast<std::size_t>(end - text.data()));
  while (unit.starts_with(' ')) unit.remove_prefix(1);
  if (unit.empty()) return number;
  for (const Unit& known : units) {
    if (!same_letters(unit, known.name)) continue;
    if (number > (std::numeric_limits<std::uint64_t>::max() >> known.shift)) {
      return Error{fmt::format("size \"{}\" does not fit in 64 bits", whole)};
    }
    return number << known.shift;
  }
  for (const Unit& known : units) {
    if (known.name.size() == 3 &&
        (same_letters(unit, known.name.substr(0, 1)) || same_letters(unit, std::string{known.name[0], 'B'}))) {
      return Error{
          fmt::format("size \"{}\" has the unit \"{}\"; write \"{}\" (binary units only)", whole, unit, known.name)};
    }
  }
  return Error{fmt::format("size \"{}\" has the unknown unit \"{}\"; expected B, KiB, MiB, GiB or TiB", whole, unit)};
}

std::string format_size(std::uint64_t bytes) {
  for (const Unit& unit : units) {
    const std::uint64_t one = std::uint64_t{1} << unit.shift;
    if (bytes >= one && bytes % one == 0) return fmt::format("{} {}", bytes >> unit.shift, unit.name);
  }
  return fmt::format("{} B", bytes);
}

std::string hex(std::uint64_t value) {
  return fmt::format("{:#x}", value);
}

std::string hex(std::span<const std::byte> bytes) {
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const std::byte b : bytes) text += fmt::format("{:02x}", static_cast<unsigned>(b));
  return text;
}

Result<std::vector<std::byte>> parse_hex(std::string_view text) {
  std::vector<std::byte> bytes;
  int high = -1;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (high < 0 && (c == ' ' || c == ':' || c == '-')) continue;
    const int digit = digit_of(c);
    if (digit < 0) return Error{fmt::format("'{}' at position {} is no hex digit", c, i + 1)};
    if (high < 0) {
      high = digit;
    } else {
      bytes.push_back(static_cast<std::byte>(high * 16 + digit));
      high = -1;
    }
  }
  if (high >= 0) return Error{"odd number of hex digits; expected two a byte"};
  return bytes;
}

std::string_view nearest(std::string_view word, std::span<const std::string_view> candidates) {
  std::string_view best;
  // A third of the word may be wrong: enough for typos and plurals, too little for guesses.
  std::size_t best_distance = std::max<std::size_t>(1, word.size() / 3) + 1;
  for (const std::string_view candidate : candidates) {
    const std::size_t distance = edit_distance(word, candidate);
    if (distance < best_distance) {
      best_distance = distance;
      best = candidate;
    }
  }
  return best;
}

std::string did_you_mean(std::string_view word, std::span<const std::string_view> candidates) {
  const std::string_view best = nearest(word, candidates);
  return best.empty() ? std::string{} : fmt::format("; did you mean \"{}\"?", best);
}

std::string with_thousands(std::uint64_t value) {
  std::string digits = std::to_string(value);
  for (std::size_t at = digits.size(); at > 3; at -= 3) digits.insert(at - 3, 1, ',');
  return digits;
}

}  // namespace dumpsim
