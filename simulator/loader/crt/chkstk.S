/* SPDX-License-Identifier: Apache-2.0
 * What comes before a frame beyond a page, under the name that CHKSTK stands for: in a shared library it is linked into
 * the image, a .sys imports it. It touches each page of the rax bytes below the caller's frame, so that a stack which is
 * too small is met at its guard, and keeps every register [doc: /Gs on x64]. For the assembler alone. */
        .text
        .globl CHKSTK
        .hidden CHKSTK
        .type CHKSTK, @function
        .balign 16
CHKSTK:
        .cfi_startproc
        push %rcx
        .cfi_adjust_cfa_offset 8
        push %rax
        .cfi_adjust_cfa_offset 8
        lea 24(%rsp), %rcx              # the caller's rsp
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
        .size CHKSTK, . - CHKSTK
