// SPDX-License-Identifier: Apache-2.0
//
// Debug output and assertions. DbgPrint is documented up to DIRQL and is used above it in the field; %S, %ws and %wZ
// are documented at PASSIVE_LEVEL only. [doc]
#ifndef WDK_DDI_DEBUG_H
#define WDK_DDI_DEBUG_H

#include "../ntdef.h"

WDK_EXTERN_C_BEGIN

#ifndef DBG
#define DBG 0
#endif

#define DPFLTR_ERROR_LEVEL 0
#define DPFLTR_WARNING_LEVEL 1
#define DPFLTR_TRACE_LEVEL 2
#define DPFLTR_INFO_LEVEL 3
#define DPFLTR_MASK 0x80000000

typedef enum _DPFLTR_TYPE { DPFLTR_SYSTEM_ID = 0, DPFLTR_IHVDRIVER_ID = 77, DPFLTR_DEFAULT_ID = 101 } DPFLTR_TYPE;

ULONG DbgPrint(PCSTR Format, ...);
ULONG DbgPrintEx(ULONG ComponentId, ULONG Level, PCSTR Format, ...);
ULONG vDbgPrintEx(ULONG ComponentId, ULONG Level, PCCH Format, va_list Arguments);
ULONG vDbgPrintExWithPrefix(PCCH Prefix, ULONG ComponentId, ULONG Level, PCCH Format, va_list Arguments);
NTSTATUS DbgSetDebugFilterState(ULONG ComponentId, ULONG Level, BOOLEAN State);
VOID DbgBreakPoint(VOID);
VOID DbgBreakPointWithStatus(ULONG Status);
VOID RtlAssert(PVOID FailedAssertion, PVOID FileName, ULONG LineNumber, PSTR Message);

#if DBG
#define KdPrint(arguments) DbgPrint arguments
#define KdPrintEx(arguments) DbgPrintEx arguments
#define KdBreakPoint() DbgBreakPoint()
#define ASSERT(expression) \
  ((!(expression)) ? RtlAssert((PVOID)(ULONG_PTR) #expression, (PVOID)(ULONG_PTR)__FILE__, __LINE__, NULL) : (void)0)
#define ASSERTMSG(message, expression)                                                                               \
  ((!(expression))                                                                                                   \
       ? RtlAssert((PVOID)(ULONG_PTR) #expression, (PVOID)(ULONG_PTR)__FILE__, __LINE__, (PSTR)(ULONG_PTR)(message)) \
       : (void)0)
#define NT_VERIFY(expression) ASSERT(expression)
#else
#define KdPrint(arguments) ((void)0)
#define KdPrintEx(arguments) ((void)0)
#define KdBreakPoint() ((void)0)
#define ASSERT(expression) ((void)0)
#define ASSERTMSG(message, expression) ((void)0)
#define NT_VERIFY(expression) ((void)(expression))
#endif
#define NT_ASSERT(expression) ASSERT(expression)
#define NT_ASSERTMSG(message, expression) ASSERTMSG(message, expression)
#define RTL_SOFT_ASSERT(expression) ASSERT(expression)

WDK_EXTERN_C_END

#endif  // WDK_DDI_DEBUG_H
