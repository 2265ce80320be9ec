// SPDX-License-Identifier: Apache-2.0
// What compilers make a .sys call by conventions of their own, so that no C function can stand for it. For control flow
// guard when an image brings nothing of its own: the check gets the target in rcx and returns, the dispatch gets it in
// rax and goes there. For frames beyond a page, __chkstk: touches each of the rax bytes' pages below the caller's frame,
// so that a stack that is too small is met at its guard. All keep every register [doc: /guard:cf and /Gs on x64].
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
  .globl dumpsim_chkstk
  .hidden dumpsim_chkstk
  .type dumpsim_chkstk, @function
  .balign 16
dumpsim_chkstk:
  .cfi_startproc
  push %rcx
  .cfi_adjust_cfa_offset 8
  push %rax
  .cfi_adjust_cfa_offset 8
  lea 24(%rsp), %rcx  // the caller's rsp
1:
  cmp $4096, %rax
  jbe 2f
  sub $4096, %rcx
  testb %al, (%rcx)
  sub $4096, %rax
  jmp 1b
2:
  sub %rax, %rcx
  testb %al, (%rcx)
  pop %rax
  .cfi_adjust_cfa_offset -8
  pop %rcx
  .cfi_adjust_cfa_offset -8
  ret
  .cfi_endproc
  .size dumpsim_chkstk, . - dumpsim_chkstk
  .section .note.GNU-stack, "", @progbits
