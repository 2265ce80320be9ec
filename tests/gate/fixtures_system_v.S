/* SPDX-License-Identifier: Apache-2.0
 * Drivers of a few instructions, System V convention: each breaks exactly one promise, which no compiler would. */
        .text
.macro FIXTURE name
        .globl  \name
        .type   \name, @function
        .p2align 4
\name:  .cfi_startproc
.endm
.macro FIXTURE_END name
        .cfi_endproc
        .size   \name, . - \name
.endm
.macro CLOBBER register
        FIXTURE system_v_clobber_\register
        xorl    %eax, %eax
        notq    %rax
        movq    %rax, %\register
        movl    $7, %eax
        ret
        FIXTURE_END system_v_clobber_\register
.endm

FIXTURE system_v_fold
        movq    %rdi, %rax
        imulq   $10, %rsi, %rsi
        addq    %rsi, %rax
        imulq   $100, %rdx, %rdx
        addq    %rdx, %rax
        imulq   $1000, %rcx, %rcx
        addq    %rcx, %rax
        imulq   $10000, %r8, %r8
        addq    %r8, %rax
        imulq   $100000, %r9, %r9
        addq    %r9, %rax
        imulq   $1000000, 8(%rsp), %r10
        addq    %r10, %rax
        imulq   $10000000, 16(%rsp), %r10
        addq    %r10, %rax
        ret
FIXTURE_END system_v_fold

FIXTURE system_v_stack_pointer
        movq    %rsp, %rax
        ret
FIXTURE_END system_v_stack_pointer

FIXTURE system_v_return
        movq    %rdi, %rax
        ret
FIXTURE_END system_v_return

FIXTURE system_v_call
        pushq   %rbp
        .cfi_def_cfa_offset 16
        .cfi_offset %rbp, -16
        movq    %rsp, %rbp
        .cfi_def_cfa_register %rbp
        movq    %rdi, %rax
        movq    %rsi, %rdi
        call    *%rax
        popq    %rbp
        .cfi_def_cfa %rsp, 8
        ret
FIXTURE_END system_v_call

FIXTURE system_v_call_busy
        pushq   %rbp
        movq    %rsp, %rbp
        pushq   %rbx
        pushq   %r12
        pushq   %r13
        pushq   %r14
        pushq   %r15
        subq    $8, %rsp
        movq    $11, %rbx
        movq    $12, %r12
        movq    $13, %r13
        movq    $14, %r14
        movq    $15, %r15
        movq    %rdi, %rax
        movq    %rsi, %rdi
        call    *%rax
        /* What came back, folded in, so that an inner gate which loses one of them shows in the result. */
        addq    %rbx, %rax
        addq    %r12, %rax
        addq    %r13, %rax
        addq    %r14, %rax
        addq    %r15, %rax
        addq    $8, %rsp
        popq    %r15
        popq    %r14
        popq    %r13
        popq    %r12
        popq    %rbx
        popq    %rbp
        ret
FIXTURE_END system_v_call_busy

FIXTURE system_v_overflow
        subq    $1000, %rsp
        call    system_v_overflow
        addq    $1000, %rsp
        ret
FIXTURE_END system_v_overflow

FIXTURE system_v_spin
1:      pause
        jmp     1b
FIXTURE_END system_v_spin

FIXTURE system_v_store
        pushq   %rbp
        .cfi_def_cfa_offset 16
        .cfi_offset %rbp, -16
        movq    %rsp, %rbp
        .cfi_def_cfa_register %rbp
        movq    %rsi, (%rdi)
        movl    $21, %eax
        popq    %rbp
        .cfi_def_cfa %rsp, 8
        ret
FIXTURE_END system_v_store

FIXTURE system_v_load
        movq    (%rdi), %rax
        ret
FIXTURE_END system_v_load

FIXTURE system_v_jump
        call    *%rdi
        ret
FIXTURE_END system_v_jump

FIXTURE system_v_divide
        xorl    %edx, %edx
        movl    $1, %eax
        xorl    %ecx, %ecx
        divl    %ecx
        ret
FIXTURE_END system_v_divide

FIXTURE system_v_illegal
        ud2
FIXTURE_END system_v_illegal

FIXTURE system_v_breakpoint
        int3
        ret
FIXTURE_END system_v_breakpoint

FIXTURE system_v_privileged
        movq    %cr8, %rax
        ret
FIXTURE_END system_v_privileged

FIXTURE system_v_fast_fail
        movl    %edi, %ecx
        int     $0x29
FIXTURE_END system_v_fast_fail

        CLOBBER rbx
        CLOBBER rbp
        CLOBBER r12
        CLOBBER r13
        CLOBBER r14
        CLOBBER r15

FIXTURE system_v_clobber_rsp
        movl    $7, %eax
        ret     $16
FIXTURE_END system_v_clobber_rsp

FIXTURE system_v_clobber_mxcsr
        stmxcsr -8(%rsp)
        xorl    $0x6000, -8(%rsp)
        ldmxcsr -8(%rsp)
        movl    $7, %eax
        ret
FIXTURE_END system_v_clobber_mxcsr

FIXTURE system_v_clobber_x87
        fnstcw  -8(%rsp)
        xorw    $0x0c00, -8(%rsp)
        fldcw   -8(%rsp)
        movl    $7, %eax
        ret
FIXTURE_END system_v_clobber_x87

FIXTURE system_v_clobber_direction
        std
        movl    $7, %eax
        ret
FIXTURE_END system_v_clobber_direction

FIXTURE system_v_clobber_all
        popq    %r11
        xorl    %ebx, %ebx
        xorl    %ebp, %ebp
        xorl    %r12d, %r12d
        xorl    %r13d, %r13d
        xorl    %r14d, %r14d
        xorl    %r15d, %r15d
        subq    $64, %rsp
        std
        jmp     *%r11
FIXTURE_END system_v_clobber_all

FIXTURE system_v_syscall
        movq    %rdi, %rax
        movq    %rsi, %rdi
        syscall
        ret
FIXTURE_END system_v_syscall

FIXTURE system_v_int80
        movq    %rdi, %rax
        pushq   %rbx
        movq    %rsi, %rbx
        int     $0x80
        popq    %rbx
        ret
FIXTURE_END system_v_int80

FIXTURE system_v_sysenter
        movq    %rdi, %rax
        sysenter
        ret
FIXTURE_END system_v_sysenter

        .section .note.GNU-stack,"",@progbits
