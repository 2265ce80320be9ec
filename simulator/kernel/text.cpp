// SPDX-License-Identifier: Apache-2.0
// Case folding without the C library's locale, whose state differs from host to host and would end up in traces.
#include "kernel/text.hpp"

#include <algorithm>
#include <cstddef>

namespace dumpsim::kernel {

char16_t upcase(char16_t unit) {
  if (unit < 0x80) return unit >= u'a' && unit <= u'z' ? static_cast<char16_t>(unit - 0x20) : unit;
  if ((unit >= 0xE0 && unit <= 0xFE && unit != 0xF7)) return static_cast<char16_t>(unit - 0x20);
  if (unit == 0xFF) return 0x178;
  if (unit >= 0x100 && unit <= 0x17F) {
    // Pairs of capital and small letter; which of the two is odd changes twice. Dotless i, long s and kra stand alone.
    if (unit == 0x131 || unit == 0x138 || unit == 0x149 || unit == 0x17F) return unit;
    const bool small_is_even = (unit >= 0x139 && unit <= 0x148) || (unit >= 0x179 && unit <= 0x17E);
    return (unit % 2 == 0) == small_is_even ? static_cast<char16_t>(unit - 1) : unit;
  }
  if (unit >= 0x3B1 && unit <= 0x3CB && unit != 0x3C2) return static_cast<char16_t>(unit - 0x20);
  if (unit == 0x3AC) return 0x386;
  if (unit >= 0x3AD && unit <= 0x3AF) return static_cast<char16_t>(unit - 37);
  if (unit == 0x3CC) return 0x38C;
  if (unit == 0x3CD || unit == 0x3CE) return static_cast<char16_t>(unit - 63);
  if (unit >= 0x430 && unit <= 0x44F) return static_cast<char16_t>(unit - 0x20);
  if (unit >= 0x450 && unit <= 0x45F) return static_cast<char16_t>(unit - 0x50);
  if (unit >= 0x561 && unit <= 0x586) return static_cast<char16_t>(unit - 0x30);
  return unit;
}

char16_t downcase(char16_t unit) {
  if (unit < 0x80) return unit >= u'A' && unit <= u'Z' ? static_cast<char16_t>(unit + 0x20) : unit;
  // The inverse, found by trying: every folded letter lies within these distances of its capital.
  constexpr char16_t distances[] = {0x20, 1, 0x50, 0x30, 37, 38, 63, 64};
  for (const char16_t distance : distances) {
    const auto small = static_cast<char16_t>(unit + distance);
    if (small > unit && upcase(small) == unit) return small;
  }
  return unit == 0x178 ? char16_t{0xFF} : unit;
}

bool equal_without_case(std::u16string_view a, std::u16string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char16_t x, char16_t y) { return x == y || upcase(x) == upcase(y); });
}

}  // namespace dumpsim::kernel
