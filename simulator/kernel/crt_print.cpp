// SPDX-License-Identifier: Apache-2.0
// _snprintf and its kin, on which RtlStringCbPrintf rests. Microsoft's count differs from C's: without room for the
// terminator none is written, and text that does not fit gives -1 [doc].
#include <cstdarg>

#include "kernel/format.hpp"
//
#include "kernel/variadic.hpp"

namespace dumpsim::kernel {
namespace {

template <class Unit>
int print(Unit* buffer, std::size_t count, const Unit* text, ArgumentReader arguments) {
  const FormatResult result = format(std::span<Unit>(buffer, buffer == nullptr ? 0 : count), text, arguments, {});
  if (buffer == nullptr && count == 0) return static_cast<int>(result.length);  // asks for the length [doc]
  if (result.length > count) return -1;
  if (result.length < count) buffer[result.length] = 0;
  return static_cast<int>(result.length);
}

constexpr std::size_t no_limit = std::size_t{1} << 30;  // swprintf is told no size

}  // namespace

int snprintf_system_v(char* buffer, std::size_t count, const char* text, ...) {
  va_list list;
  va_start(list, text);
  const int length = print(buffer, count, text, ArgumentReader(static_cast<ArgumentReader::SystemVList>(list)));
  va_end(list);
  return length;
}
DUMPSIM_MS_ABI int snprintf_microsoft(char* buffer, std::size_t count, const char* text, ...) {
  __builtin_ms_va_list list;
  __builtin_ms_va_start(list, text);
  const int length = print(buffer, count, text, ArgumentReader(static_cast<ArgumentReader::MicrosoftList>(list)));
  __builtin_ms_va_end(list);
  return length;
}
int vsnprintf_system_v(char* buffer, std::size_t count, const char* text, std::va_list list) {
  return print(buffer, count, text, ArgumentReader(static_cast<ArgumentReader::SystemVList>(list)));
}
DUMPSIM_MS_ABI int vsnprintf_microsoft(char* buffer, std::size_t count, const char* text,
                                       ArgumentReader::MicrosoftList list) {
  return print(buffer, count, text, ArgumentReader(list));
}
int snwprintf_system_v(char16_t* buffer, std::size_t count, const char16_t* text, ...) {
  va_list list;
  va_start(list, text);
  const int length = print(buffer, count, text, ArgumentReader(static_cast<ArgumentReader::SystemVList>(list)));
  va_end(list);
  return length;
}
DUMPSIM_MS_ABI int snwprintf_microsoft(char16_t* buffer, std::size_t count, const char16_t* text, ...) {
  __builtin_ms_va_list list;
  __builtin_ms_va_start(list, text);
  const int length = print(buffer, count, text, ArgumentReader(static_cast<ArgumentReader::MicrosoftList>(list)));
  __builtin_ms_va_end(list);
  return length;
}
int vsnwprintf_system_v(char16_t* buffer, std::size_t count, const char16_t* text, std::va_list list) {
  return print(buffer, count, text, ArgumentReader(static_cast<ArgumentReader::SystemVList>(list)));
}
DUMPSIM_MS_ABI int vsnwprintf_microsoft(char16_t* buffer, std::size_t count, const char16_t* text,
                                        ArgumentReader::MicrosoftList list) {
  return print(buffer, count, text, ArgumentReader(list));
}
int swprintf_system_v(char16_t* buffer, const char16_t* text, ...) {
  va_list list;
  va_start(list, text);
  const int length = print(buffer, no_limit, text, ArgumentReader(static_cast<ArgumentReader::SystemVList>(list)));
  va_end(list);
  return length;
}
DUMPSIM_MS_ABI int swprintf_microsoft(char16_t* buffer, const char16_t* text, ...) {
  __builtin_ms_va_list list;
  __builtin_ms_va_start(list, text);
  const int length = print(buffer, no_limit, text, ArgumentReader(static_cast<ArgumentReader::MicrosoftList>(list)));
  __builtin_ms_va_end(list);
  return length;
}

}  // namespace dumpsim::kernel
