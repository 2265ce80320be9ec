/* SPDX-License-Identifier: Apache-2.0
 * The same for Microsoft's convention: arguments in rcx, rdx, r8, r9 and above 32 bytes of home space. */
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
        FIXTURE microsoft_clobber_\register
        xorl    %eax, %eax
        notq    %rax
        movq    %rax, %\register
        movl    $7, %eax
        ret
        FIXTURE_END microsoft_clobber_\register
.endm
.macro CLOBBER_XMM register
        FIXTURE microsoft_clobber_\register
        xorps   %\register, %\register
        movl    $7, %eax
        ret
        FIXTURE_END microsoft_clobber_\register
.endm

FIXTURE microsoft_fold
        /* The home space is the callee's to scribble on. */
        movq    %rcx, 8(%rsp)
        movq    %rdx, 16(%rsp)
        movq    %r8, 24(%rsp)
        movq    %r9, 32(%rsp)
        movq    %rcx, %rax
        imulq   $10, %rdx, %rdx
        addq    %rdx, %rax
        imulq   $100, %r8, %r8
        addq    %r8, %rax
        imulq   $1000, %r9, %r9
        addq    %r9, %rax
        imulq   $10000, 40(%rsp), %r10
        addq    %r10, %rax
        imulq   $100000, 48(%rsp), %r10
        addq    %r10, %rax
        imulq   $1000000, 56(%rsp), %r10
        addq    %r10, %rax
        imulq   $10000000, 64(%rsp), %r10
        addq    %r10, %rax
        ret
FIXTURE_END microsoft_fold

FIXTURE microsoft_stack_pointer
        movq    %rsp, %rax
        ret
FIXTURE_END microsoft_stack_pointer

FIXTURE microsoft_call
        subq    $40, %rsp
        .cfi_def_cfa_offset 48
        movq    %rcx, %rax
        movq    %rdx, %rcx
        call    *%rax
        addq    $40, %rsp
        .cfi_def_cfa_offset 8
        ret
FIXTURE_END microsoft_call

FIXTURE microsoft_call_busy
        pushq   %rdi
        pushq   %rsi
        pushq   %rbx
        subq    $48, %rsp
        movaps  %xmm6, 32(%rsp)
        movq    $11, %rdi
        movq    $12, %rsi
        movq    $13, %rbx
        movq    $39, %rax
        movq    %rax, %xmm6
        movq    %rcx, %rax
        movq    %rdx, %rcx
        call    *%rax
        addq    %rdi, %rax
        addq    %rsi, %rax
        addq    %rbx, %rax
        movq    %xmm6, %rcx
        addq    %rcx, %rax
        movaps  32(%rsp), %xmm6
        addq    $48, %rsp
        popq    %rbx
        popq    %rsi
        popq    %rdi
        ret
FIXTURE_END microsoft_call_busy

        CLOBBER rbx
        CLOBBER rdi
        CLOBBER rsi
        CLOBBER r12
        CLOBBER_XMM xmm6
        CLOBBER_XMM xmm11
        CLOBBER_XMM xmm15

FIXTURE microsoft_clobber_rsp
        movl    $7, %eax
        ret     $32
FIXTURE_END microsoft_clobber_rsp

FIXTURE microsoft_clobber_mxcsr
        stmxcsr 8(%rsp)
        xorl    $0x6000, 8(%rsp)
        ldmxcsr 8(%rsp)
        movl    $7, %eax
        ret
FIXTURE_END microsoft_clobber_mxcsr

        .section .note.GNU-stack,"",@progbits
