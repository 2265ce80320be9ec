// SPDX-License-Identifier: Apache-2.0
// Debug output, into the trace. Filters print from DumpWrite although the documentation stops at DIRQL, and wide text
// although that needs PASSIVE_LEVEL: it works on Windows until it deadlocks, so it is reported as information, once.
#include <cstdarg>

#include "kernel/exports.hpp"
#include "kernel/format.hpp"
#include "kernel/kernel.hpp"
#include "kernel/varargs.hpp"
//
#include "kernel/exception.hpp"
#include "kernel/variadic.hpp"

namespace dumpsim::kernel {
namespace {

constexpr std::size_t text_limit = 512;            // bytes DbgPrint transmits at once [doc]
constexpr std::uint8_t highest_device_level = 12;  // DIRQL ends below the clock's and IPI's levels [doc]

ULONG print(std::size_t index, machine::Convention convention, const char* prefix, ULONG level, const char* text,
            ArgumentReader arguments) {
  Kernel& kernel = current();
  kernel.enter(index, convention, HIGH_LEVEL, nullptr);
  char line[text_limit];
  std::size_t used = 0;
  for (; prefix != nullptr && prefix[used] != 0 && used < text_limit; ++used) line[used] = prefix[used];
  const FormatResult result = format(std::span(line).subspan(used), text, arguments, {.addresses_in_words = true});
  kernel.require_irql(index, result.wide_used ? static_cast<std::uint8_t>(PASSIVE_LEVEL) : highest_device_level,
                      trace::Severity::information);
  std::size_t length = used + result.length < text_limit ? used + result.length : text_limit;
  // The line ends with the record.
  if (length != 0 && line[length - 1] == '\n') --length;
  if (length != 0 && line[length - 1] == '\r') --length;
  kernel.recorder().debug_print(kernel.image(), level, {line, length});
  return static_cast<ULONG>(STATUS_SUCCESS);
}

}  // namespace

using machine::Convention;

// DbgPrint itself names no component: DPFLTR_DEFAULT_ID at DPFLTR_INFO_LEVEL [doc].
ULONG DbgPrint_system_v(PCSTR Format, ...) {
  va_list list;
  va_start(list, Format);
  const ULONG status = print(export_index::DbgPrint, Convention::system_v, nullptr, DPFLTR_INFO_LEVEL, Format,
                             ArgumentReader(static_cast<ArgumentReader::SystemVList>(list)));
  va_end(list);
  return status;
}

DUMPSIM_MS_ABI ULONG DbgPrint_microsoft(PCSTR Format, ...) {
  __builtin_ms_va_list list;
  __builtin_ms_va_start(list, Format);
  const ULONG status = print(export_index::DbgPrint, Convention::microsoft, nullptr, DPFLTR_INFO_LEVEL, Format,
                             ArgumentReader(static_cast<ArgumentReader::MicrosoftList>(list)));
  __builtin_ms_va_end(list);
  return status;
}

ULONG DbgPrintEx_system_v(ULONG, ULONG Level, PCSTR Format, ...) {
  va_list list;
  va_start(list, Format);
  const ULONG status = print(export_index::DbgPrintEx, Convention::system_v, nullptr, Level, Format,
                             ArgumentReader(static_cast<ArgumentReader::SystemVList>(list)));
  va_end(list);
  return status;
}

DUMPSIM_MS_ABI ULONG DbgPrintEx_microsoft(ULONG, ULONG Level, PCSTR Format, ...) {
  __builtin_ms_va_list list;
  __builtin_ms_va_start(list, Format);
  const ULONG status = print(export_index::DbgPrintEx, Convention::microsoft, nullptr, Level, Format,
                             ArgumentReader(static_cast<ArgumentReader::MicrosoftList>(list)));
  __builtin_ms_va_end(list);
  return status;
}

ULONG vDbgPrintEx_system_v(ULONG, ULONG Level, PCCH Format, va_list Arguments) {
  return print(export_index::vDbgPrintEx, Convention::system_v, nullptr, Level, reinterpret_cast<PCSTR>(Format),
               ArgumentReader(static_cast<ArgumentReader::SystemVList>(Arguments)));
}

DUMPSIM_MS_ABI ULONG vDbgPrintEx_microsoft(ULONG, ULONG Level, PCCH Format, ArgumentReader::MicrosoftList Arguments) {
  return print(export_index::vDbgPrintEx, Convention::microsoft, nullptr, Level, reinterpret_cast<PCSTR>(Format),
               ArgumentReader(Arguments));
}

ULONG vDbgPrintExWithPrefix_system_v(PCCH Prefix, ULONG, ULONG Level, PCCH Format, va_list Arguments) {
  return print(export_index::vDbgPrintExWithPrefix, Convention::system_v, reinterpret_cast<PCSTR>(Prefix), Level,
               reinterpret_cast<PCSTR>(Format), ArgumentReader(static_cast<ArgumentReader::SystemVList>(Arguments)));
}

DUMPSIM_MS_ABI ULONG vDbgPrintExWithPrefix_microsoft(PCCH Prefix, ULONG, ULONG Level, PCCH Format,
                                                     ArgumentReader::MicrosoftList Arguments) {
  return print(export_index::vDbgPrintExWithPrefix, Convention::microsoft, reinterpret_cast<PCSTR>(Prefix), Level,
               reinterpret_cast<PCSTR>(Format), ArgumentReader(Arguments));
}

// A failed assertion breaks into the debugger; without one it is a bug check [doc].
VOID RtlAssert(PVOID FailedAssertion, PVOID FileName, ULONG LineNumber, PSTR Message) {
  DbgPrint_system_v("*** Assertion failed: %s%s%s\n***   Source File: %s, line %lu", Message != nullptr ? Message : "",
                    Message != nullptr ? ": " : "", static_cast<const char*>(FailedAssertion),
                    static_cast<const char*>(FileName), LineNumber);
  kernel::DbgBreakPoint();
}

// A breakpoint that no debugger takes is an exception [doc]; one that is gone on from has done nothing.
VOID DbgBreakPoint(VOID) {
  kernel::DbgBreakPointWithStatus(0);
}
VOID DbgBreakPointWithStatus(ULONG Status) {
  EXCEPTION_RECORD record{};
  record.ExceptionCode = STATUS_BREAKPOINT;
  record.NumberParameters = 1;
  record.ExceptionInformation[0] = Status;
  raise(current(), record);
}

}  // namespace dumpsim::kernel
