// SPDX-License-Identifier: Apache-2.0
// The kernel's 16-bit text: case folding as its string routines do it.
#pragma once

#include <string_view>

#include "base/utf16.hpp"  // the way to UTF-8 and back: whoever folds text also converts it

namespace dumpsim::kernel {

/// Case folding of one UTF-16 unit for Latin, Greek, Cyrillic and Armenian letters; others stay. One unit becomes one
/// unit, as in Windows' own table [doc]: no letter changes its length.
char16_t upcase(char16_t unit);
char16_t downcase(char16_t unit);
bool equal_without_case(std::u16string_view a, std::u16string_view b);

}  // namespace dumpsim::kernel
