// SPDX-License-Identifier: Apache-2.0
// What compilers make a .sys call by conventions of their own, so that no C function can stand for it. For control flow
// guard when an image brings nothing of its own: the check gets the target in rcx and returns, the dispatch gets it in
// rax and goes there; both keep every register [doc: /guard:cf on x64]. For frames beyond a page, __chkstk.
  .text
  .globl dumpsim_guard_check, dumpsim_guard_dispatch
  .hidden dumpsim_guard_check, dumpsim_guard_dispatch
  .type dumpsim_guard_check, @function
  .type dumpsim_guard_dispatch, @function
  .balign 16
dumpsim_guard_check:
  .cfi_startproc
  ret
  .cfi_endproc
  .size dumpsim_guard_check, . - dumpsim_guard_check
  .balign 16
dumpsim_guard_dispatch:
  .cfi_startproc
  jmp *%rax
  .cfi_endproc
  .size dumpsim_guard_dispatch, . - dumpsim_guard_dispatch
#define CHKSTK dumpsim_chkstk
#include "crt/chkstk.S"
  .section .note.GNU-stack, "", @progbits
