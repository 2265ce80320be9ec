// SPDX-License-Identifier: Apache-2.0
// sprintf_s and its kin: always a terminator, and -1 for what does not fit. [doc] Wrong calls: as in crt_secure.cpp.
#include <algorithm>
#include <cstdarg>

#include "kernel/format.hpp"
//
#include "kernel/variadic.hpp"

namespace dumpsim::kernel {
namespace {

constexpr std::size_t truncate = ~std::size_t{0};
constexpr std::size_t whole = truncate - 1;  // text of any length

template <class Unit>
int print_some(Unit* buffer, std::size_t size, std::size_t count, const Unit* text, ArgumentReader arguments) {
  if (text != nullptr && buffer == nullptr && size == 0 && count == 0) return 0;
  if (text == nullptr || buffer == nullptr || size == 0) return -1;
  const std::size_t room = std::min(size - 1, count);
  const FormatResult result = format(std::span<Unit>(buffer, room), text, arguments, {});
  if (result.length <= room) {
    buffer[result.length] = 0;
    return static_cast<int>(result.length);
  }
  // Cut where the caller said, or wanted it cut; else nothing of it is left.
  buffer[count < size || count == truncate ? room : 0] = 0;
  return -1;
}

template <class Unit>
int print_all(Unit* buffer, std::size_t size, const Unit* text, ArgumentReader arguments) {
  if (buffer == nullptr || size == 0) return -1;
  return print_some(buffer, size, whole, text, arguments);
}

}  // namespace

// The entries of a function with an ellipsis and of its twin with a va_list, one pair a convention.
#define PRINTS(name, Unit, function, parameters, ...)                                                                 \
  int name##_system_v(DUMPSIM_PLAIN parameters, const Unit* text, ...) {                                              \
    va_list list;                                                                                                     \
    va_start(list, text);                                                                                             \
    const int length = function(__VA_ARGS__, text, ArgumentReader(static_cast<ArgumentReader::SystemVList>(list)));   \
    va_end(list);                                                                                                     \
    return length;                                                                                                    \
  }                                                                                                                   \
  DUMPSIM_MS_ABI int name##_microsoft(DUMPSIM_PLAIN parameters, const Unit* text, ...) {                              \
    __builtin_ms_va_list list;                                                                                        \
    __builtin_ms_va_start(list, text);                                                                                \
    const int length = function(__VA_ARGS__, text, ArgumentReader(static_cast<ArgumentReader::MicrosoftList>(list))); \
    __builtin_ms_va_end(list);                                                                                        \
    return length;                                                                                                    \
  }                                                                                                                   \
  int v##name##_system_v(DUMPSIM_PLAIN parameters, const Unit* text, std::va_list list) {                             \
    return function(__VA_ARGS__, text, ArgumentReader(static_cast<ArgumentReader::SystemVList>(list)));               \
  }                                                                                                                   \
  DUMPSIM_MS_ABI int v##name##_microsoft(DUMPSIM_PLAIN parameters, const Unit* text,                                  \
                                         ArgumentReader::MicrosoftList list) {                                        \
    return function(__VA_ARGS__, text, ArgumentReader(list));                                                         \
  }
PRINTS(sprintf_s, char, print_all, (char* buffer, std::size_t size), buffer, size)
PRINTS(snprintf_s, char, print_some, (char* buffer, std::size_t size, std::size_t count), buffer, size, count)
PRINTS(swprintf_s, char16_t, print_all, (char16_t* buffer, std::size_t size), buffer, size)
PRINTS(snwprintf_s, char16_t, print_some, (char16_t* buffer, std::size_t size, std::size_t count), buffer, size, count)
#undef PRINTS

}  // namespace dumpsim::kernel
