// SPDX-License-Identifier: Apache-2.0
//
// Structured exception handling for compilers that do not have it. Clang has it for Windows targets; for GCC, and for
// clang on the platform, a __try keeps a record on the function's stack, in a list that the simulated kernel searches
// as it searches the tables of a .sys, innermost first. The kernel comes back into the function (by __builtin_setjmp)
// once to learn which kind of __try it is, then for its body, and when there is an exception for the filter, the
// handler or the block: a filter and a block run while the frames below still stand, on the stack below them, so the
// function must find its variables by the frame pointer and keep them in memory. That is what -O0 does.
#ifndef WDK_DDI_SOURCE_SEH_H
#define WDK_DDI_SOURCE_SEH_H

#include "../ntdef.h"

WDK_EXTERN_C_BEGIN

struct _EXCEPTION_POINTERS;

// What the kernel came back for.
#define WDK_SEH_KIND 0     // nothing yet: it asks for the kind
#define WDK_SEH_BODY 1     // the body is running
#define WDK_SEH_LEFT 2     // the body was left by __leave
#define WDK_SEH_FILTER 3   // the filter is to be evaluated
#define WDK_SEH_HANDLER 4  // the handler is running
#define WDK_SEH_FINALLY 5  // the block is running, because an exception passes through
#define WDK_SEH_ENDING 6   // the block is running, because the body ended
#define WDK_SEH_GONE 7     // the record is in no list

typedef struct _WDK_SEH_FRAME {
  struct _WDK_SEH_FRAME* Previous;
  void* Jump[5];  // frame pointer, where, stack pointer
  ULONG Phase;
  ULONG Finally;  // 1: __finally, 0: __except
  LONG Code;
  ULONG Reserved;
  struct _EXCEPTION_POINTERS* Pointers;
} WDK_SEH_FRAME;

VOID _dumpsim_seh_enter(WDK_SEH_FRAME* Frame);
ULONG _dumpsim_seh_runs(WDK_SEH_FRAME* Frame);
VOID _dumpsim_seh_scope(WDK_SEH_FRAME* Frame);
VOID _dumpsim_seh_leave(VOID);
ULONG _dumpsim_seh_except(VOID);
ULONG _dumpsim_seh_filters(VOID);
ULONG _dumpsim_seh_filtered(LONG Answer);
ULONG _dumpsim_seh_finally(VOID);
ULONG _dumpsim_seh_finally_done(VOID);
ULONG _dumpsim_seh_abnormal(VOID);
LONG _dumpsim_seh_code(VOID);
struct _EXCEPTION_POINTERS* _dumpsim_seh_pointers(VOID);

WDK_EXTERN_C_END

#endif  // WDK_DDI_SOURCE_SEH_H
