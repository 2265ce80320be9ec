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
#undef DUMPSIM_OWN_ENTRIES

}  // namespace dumpsim::kernel
