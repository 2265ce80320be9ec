// SPDX-License-Identifier: Apache-2.0
// The entries of functions with an ellipsis or a va_list, one per convention, and the table that exports.cpp finds them
// by. The functions they stand for are declared but never defined.
#pragma once

#include "kernel/crt.hpp"
#include "kernel/varargs.hpp"
//
#include "kernel/ddi.hpp"

#define DUMPSIM_MS_ABI __attribute__((ms_abi))

namespace dumpsim::kernel {

ULONG DbgPrint(PCSTR Format, ...);
ULONG DbgPrintEx(ULONG ComponentId, ULONG Level, PCSTR Format, ...);
ULONG vDbgPrintEx(ULONG ComponentId, ULONG Level, PCCH Format, va_list Arguments);
ULONG vDbgPrintExWithPrefix(PCCH Prefix, ULONG ComponentId, ULONG Level, PCCH Format, va_list Arguments);

// dbg_print.cpp
ULONG DbgPrint_system_v(PCSTR Format, ...);
DUMPSIM_MS_ABI ULONG DbgPrint_microsoft(PCSTR Format, ...);
ULONG DbgPrintEx_system_v(ULONG ComponentId, ULONG Level, PCSTR Format, ...);
DUMPSIM_MS_ABI ULONG DbgPrintEx_microsoft(ULONG ComponentId, ULONG Level, PCSTR Format, ...);
ULONG vDbgPrintEx_system_v(ULONG ComponentId, ULONG Level, PCCH Format, va_list Arguments);
DUMPSIM_MS_ABI ULONG vDbgPrintEx_microsoft(ULONG ComponentId, ULONG Level, PCCH Format,
                                           ArgumentReader::MicrosoftList Arguments);
ULONG vDbgPrintExWithPrefix_system_v(PCCH Prefix, ULONG ComponentId, ULONG Level, PCCH Format, va_list Arguments);
DUMPSIM_MS_ABI ULONG vDbgPrintExWithPrefix_microsoft(PCCH Prefix, ULONG ComponentId, ULONG Level, PCCH Format,
                                                     ArgumentReader::MicrosoftList Arguments);

// crt_print.cpp
int snprintf_system_v(char* buffer, std::size_t count, const char* text, ...);
DUMPSIM_MS_ABI int snprintf_microsoft(char* buffer, std::size_t count, const char* text, ...);
int vsnprintf_system_v(char* buffer, std::size_t count, const char* text, std::va_list list);
DUMPSIM_MS_ABI int vsnprintf_microsoft(char* buffer, std::size_t count, const char* text,
                                       ArgumentReader::MicrosoftList list);
int snwprintf_system_v(char16_t* buffer, std::size_t count, const char16_t* text, ...);
DUMPSIM_MS_ABI int snwprintf_microsoft(char16_t* buffer, std::size_t count, const char16_t* text, ...);
int vsnwprintf_system_v(char16_t* buffer, std::size_t count, const char16_t* text, std::va_list list);
DUMPSIM_MS_ABI int vsnwprintf_microsoft(char16_t* buffer, std::size_t count, const char16_t* text,
                                        ArgumentReader::MicrosoftList list);
int swprintf_system_v(char16_t* buffer, const char16_t* text, ...);
DUMPSIM_MS_ABI int swprintf_microsoft(char16_t* buffer, const char16_t* text, ...);

// crt_print_secure.cpp
#define DUMPSIM_PLAIN(...) __VA_ARGS__
#define DUMPSIM_PRINTS(name, Unit, ...)                                     \
  int name##_system_v(__VA_ARGS__, const Unit* text, ...);                  \
  DUMPSIM_MS_ABI int name##_microsoft(__VA_ARGS__, const Unit* text, ...);  \
  int v##name##_system_v(__VA_ARGS__, const Unit* text, std::va_list list); \
  DUMPSIM_MS_ABI int v##name##_microsoft(__VA_ARGS__, const Unit* text, ArgumentReader::MicrosoftList list)
DUMPSIM_PRINTS(sprintf_s, char, char* buffer, std::size_t size);
DUMPSIM_PRINTS(snprintf_s, char, char* buffer, std::size_t size, std::size_t count);
DUMPSIM_PRINTS(swprintf_s, char16_t, char16_t* buffer, std::size_t size);
DUMPSIM_PRINTS(snwprintf_s, char16_t, char16_t* buffer, std::size_t size, std::size_t count);
#undef DUMPSIM_PRINTS

#define DUMPSIM_OWN_ENTRIES(name, entry)                  \
  template <>                                             \
  inline constexpr bool has_own_entries<&name> = true;    \
  template <>                                             \
  struct OwnEntries<&name> {                              \
    static constexpr auto system_v = &entry##_system_v;   \
    static constexpr auto microsoft = &entry##_microsoft; \
  }
DUMPSIM_OWN_ENTRIES(DbgPrint, DbgPrint);
DUMPSIM_OWN_ENTRIES(DbgPrintEx, DbgPrintEx);
DUMPSIM_OWN_ENTRIES(vDbgPrintEx, vDbgPrintEx);
DUMPSIM_OWN_ENTRIES(vDbgPrintExWithPrefix, vDbgPrintExWithPrefix);
DUMPSIM_OWN_ENTRIES(_snprintf, snprintf);
DUMPSIM_OWN_ENTRIES(_vsnprintf, vsnprintf);
DUMPSIM_OWN_ENTRIES(dumpsim__snwprintf, snwprintf);
DUMPSIM_OWN_ENTRIES(dumpsim__vsnwprintf, vsnwprintf);
DUMPSIM_OWN_ENTRIES(dumpsim_swprintf, swprintf);
DUMPSIM_OWN_ENTRIES(sprintf_s, sprintf_s);
DUMPSIM_OWN_ENTRIES(vsprintf_s, vsprintf_s);
DUMPSIM_OWN_ENTRIES(_snprintf_s, snprintf_s);
DUMPSIM_OWN_ENTRIES(_vsnprintf_s, vsnprintf_s);
DUMPSIM_OWN_ENTRIES(dumpsim_swprintf_s, swprintf_s);
DUMPSIM_OWN_ENTRIES(dumpsim_vswprintf_s, vswprintf_s);
DUMPSIM_OWN_ENTRIES(dumpsim__snwprintf_s, snwprintf_s);
DUMPSIM_OWN_ENTRIES(dumpsim__vsnwprintf_s, vsnwprintf_s);
#undef DUMPSIM_OWN_ENTRIES

}  // namespace dumpsim::kernel
