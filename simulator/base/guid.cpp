// SPDX-License-Identifier: Apache-2.0
#include "base/guid.hpp"

namespace dumpsim {
namespace {

// Which byte stands where in the text.
constexpr std::array<std::size_t, 16> order{3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};
constexpr std::string_view digits = "0123456789abcdef";

constexpr bool dash_before(std::size_t position) {
  return position == 4 || position == 6 || position == 8 || position == 10;
}

/// -1 when it is none.
constexpr int value_of(char digit) {
  if (digit >= 'A' && digit <= 'F') digit = static_cast<char>(digit - 'A' + 'a');
  const std::size_t value = digits.find(digit);
  return value == std::string_view::npos ? -1 : static_cast<int>(value);
}

}  // namespace

std::string format_guid(std::span<const std::byte, 16> guid) {
  std::string text = "{";
  for (std::size_t i = 0; i < order.size(); ++i) {
    if (dash_before(i)) text += '-';
    const auto byte = static_cast<unsigned>(guid[order[i]]);
    text += digits[byte / 16];
    text += digits[byte % 16];
  }
  return text + '}';
}

Result<std::array<std::byte, 16>> parse_guid(std::string_view text) {
  const Error wrong{"expected a GUID such as {65755a40-f146-43ea-8c91-36b85728fd35}"};
  std::string_view rest = text;
  if (rest.size() >= 2 && rest.front() == '{' && rest.back() == '}') rest = rest.substr(1, rest.size() - 2);
  if (rest.size() != 36) return wrong;
  std::array<std::byte, 16> guid{};
  for (std::size_t i = 0; i < order.size(); ++i) {
    if (dash_before(i)) {
      if (rest.front() != '-') return wrong;
      rest.remove_prefix(1);
    }
    const int high = value_of(rest[0]), low = value_of(rest[1]);
    if (high < 0 || low < 0) return wrong;
    guid[order[i]] = static_cast<std::byte>(high * 16 + low);
    rest.remove_prefix(2);
  }
  return guid;
}

}  // namespace dumpsim
