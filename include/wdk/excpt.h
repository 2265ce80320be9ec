// SPDX-License-Identifier: Apache-2.0
//
// The words of structured exception handling. Microsoft's compiler and clang for a Windows target have them and make
// tables of them, which only a PE image can carry; for the rest they are macros over ddi/source_seh.h, in C. C++ is
// left alone, since libstdc++ has a __try of its own.
#ifndef WDK_EXCPT_H
#define WDK_EXCPT_H

#include "ddi/compiler.h"
#include "ddi/source_seh.h"

#define EXCEPTION_EXECUTE_HANDLER 1
#define EXCEPTION_CONTINUE_SEARCH 0
#define EXCEPTION_CONTINUE_EXECUTION (-1)

// The formatter takes __except for a keyword and splits the macro's name from its parenthesis.
// clang-format off
#if WDK_DRIVER_BUILD && !defined(WDK_KEEP_WORDS)
#if defined(__clang__) && defined(_WIN32)
#if defined(__ELF__)
// Compiled as a macro it names itself, which is how the keyword is reached after the message.
#define __try _Pragma("GCC error \"__try needs tables that an ELF image cannot carry: build a .sys (--way sys)\"") __try
#endif
#if !defined(GetExceptionCode)
#define GetExceptionCode _exception_code
#define exception_code _exception_code
#define GetExceptionInformation() ((struct _EXCEPTION_POINTERS*)_exception_info())
#define exception_info() ((struct _EXCEPTION_POINTERS*)_exception_info())
#define AbnormalTermination _abnormal_termination
#define abnormal_termination _abnormal_termination
#endif
#elif !defined(__cplusplus)
#ifdef __clang__
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wkeyword-macro"
#endif
#ifdef __OPTIMIZE__
#define __try                                                                                         \
  _Pragma("GCC error \"__try needs -O0 with this compiler; or build a .sys with clang (--way sys)\"") \
      WDK_SEH_TRY(__COUNTER__)
#else
#define __try WDK_SEH_TRY(__COUNTER__)
#endif
#define WDK_SEH_TRY(number) WDK_SEH_TRY_(number)
#define WDK_SEH_TRY_(number)                                                       \
  WDK_SEH_FRAME wdk_seh_##number __attribute__((__cleanup__(_dumpsim_seh_scope))); \
  _dumpsim_seh_enter(&wdk_seh_##number);                                           \
  (void)__builtin_setjmp(wdk_seh_##number.Jump);                                   \
  if (_dumpsim_seh_runs(&wdk_seh_##number))
#define __except(...) \
  if (_dumpsim_seh_except() && _dumpsim_seh_filtered(_dumpsim_seh_filters() ? (LONG)(__VA_ARGS__) : 0))
#define __finally \
  for (ULONG wdk_seh_block = _dumpsim_seh_finally(); wdk_seh_block != 0; wdk_seh_block = _dumpsim_seh_finally_done())
#define __leave _dumpsim_seh_leave()
#define GetExceptionCode() ((NTSTATUS)_dumpsim_seh_code())
#define GetExceptionInformation() _dumpsim_seh_pointers()
#define AbnormalTermination() ((void)wdk_seh_block, (int)_dumpsim_seh_abnormal())
#define exception_code() GetExceptionCode()
#define exception_info() GetExceptionInformation()
#define abnormal_termination() AbnormalTermination()
#ifdef __clang__
#pragma clang diagnostic pop
#endif
#endif
#endif

// clang-format on

#endif  // WDK_EXCPT_H
