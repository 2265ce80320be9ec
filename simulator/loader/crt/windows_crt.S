/* SPDX-License-Identifier: Apache-2.0
 * What clang calls unasked where it compiles for Windows, linked into each filter that is built so, hidden. __chkstk
 * comes before a frame beyond a page: it touches each page of the rax bytes below the caller's frame, so that a stack
 * which is too small is met at its guard, and keeps every register [doc: /Gs on x64]. _fltused is only looked at. */
        .text
        .globl __chkstk
        .hidden __chkstk
        .type __chkstk, @function
        .balign 16
__chkstk:
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
        .size __chkstk, . - __chkstk

        .section .rodata
        .globl _fltused
        .hidden _fltused
        .type _fltused, @object
        .balign 4
_fltused:
        .long 0x9875
        .size _fltused, 4

        .section .note.GNU-stack,"",@progbits
