// SPDX-License-Identifier: Apache-2.0
//
// The words of structured exception handling for compilers that do not have them. An exception is never caught: in the
// simulator a fault ends the filter's callback and is an outcome of the run, so the guarded block simply runs and a
// handler does not. On a Windows target clang compiles the real thing, and C++ is left alone, since libstdc++ has a
// __try of its own.
#ifndef WDK_EXCPT_H
#define WDK_EXCPT_H

#include "ddi/compiler.h"

#define EXCEPTION_EXECUTE_HANDLER 1
#define EXCEPTION_CONTINUE_SEARCH 0
#define EXCEPTION_CONTINUE_EXECUTION (-1)

#if WDK_DRIVER_BUILD && !defined(_WIN32) && !defined(WDK_KEEP_WORDS) && !defined(__cplusplus)
#ifdef __clang__
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wkeyword-macro"
#endif
#define __try if (1)
#define __except (filter) else if (0 && (filter))
#define __finally
#define AbnormalTermination() 0
#define GetExceptionCode() ((NTSTATUS)0)
#define GetExceptionInformation() ((PEXCEPTION_POINTERS)0)
#ifdef __clang__
#pragma clang diagnostic pop
#endif
#endif

#endif  // WDK_EXCPT_H
