// SPDX-License-Identifier: Apache-2.0
// Formatted output as the Windows kernel does it, which is not printf: %S, %ws, %hs, %wZ, %I64u, 32-bit longs. One
// formatter serves DbgPrint and the C library's narrow and wide functions, in both conventions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "kernel/varargs.hpp"

namespace dumpsim::kernel {

struct FormatResult {
  std::size_t length = 0;  ///< of the whole text in units, whether or not it fitted
  bool wide_used = false;  ///< a conversion from wide or counted text: documented for PASSIVE_LEVEL only [doc]
};

struct FormatOptions {
  /// %p gives an address in words ("pool#3+0x10") instead of 16 digits: debug output must repeat.
  bool addresses_in_words = false;
};

/// Writes at most `into.size()` units, no terminator. `format` ends with 0. Floating point is not supported [doc]: such
/// a conversion gives its own letter and takes no argument. Wide text becomes UTF-8 in narrow output; narrow text
/// becomes one unit a byte in wide output, as from code page 1252 for ASCII.
FormatResult format(std::span<char> into, const char* format, ArgumentReader& arguments, FormatOptions options);
FormatResult format(std::span<char16_t> into, const char16_t* format, ArgumentReader& arguments, FormatOptions options);

}  // namespace dumpsim::kernel
