// SPDX-License-Identifier: Apache-2.0
// The kernel's 16-bit text: case folding as its string routines do it, and the way to and from UTF-8 for the trace.
#pragma once

#include <string>
#include <string_view>

namespace dumpsim::kernel {

/// Case folding of one UTF-16 unit for Latin, Greek, Cyrillic and Armenian letters; others stay. One unit becomes one
/// unit, as in Windows' own table [doc]: no letter changes its length.
char16_t upcase(char16_t unit);
char16_t downcase(char16_t unit);
bool equal_without_case(std::u16string_view a, std::u16string_view b);

/// Surrogates without a partner become U+FFFD.
std::string to_utf8(std::u16string_view text);
/// Bytes that are no UTF-8 become U+FFFD each.
std::u16string to_utf16(std::string_view text);
/// Appends one UTF-16 unit that is no surrogate, or a code point, to `into`; returns the bytes written, 0 when it does
/// not fit. No allocation.
std::size_t put_utf8(char32_t point, char* into, std::size_t room);

}  // namespace dumpsim::kernel
