/* SPDX-License-Identifier: Apache-2.0
 * Taking all registers and going on with all registers; see context.hpp for the structure. */
        .text
        .globl  dumpsim_capture_context
        .hidden dumpsim_capture_context
        .type   dumpsim_capture_context, @function
        .p2align 4
dumpsim_capture_context:
        .cfi_startproc
        movq    %rax, 0(%rdi)
        movq    %rcx, 8(%rdi)
        movq    %rdx, 16(%rdi)
        movq    %rbx, 24(%rdi)
        leaq    8(%rsp), %rax
        movq    %rax, 32(%rdi)
        movq    %rbp, 40(%rdi)
        movq    %rsi, 48(%rdi)
        movq    %rdi, 56(%rdi)
        movq    %r8, 64(%rdi)
        movq    %r9, 72(%rdi)
        movq    %r10, 80(%rdi)
        movq    %r11, 88(%rdi)
        movq    %r12, 96(%rdi)
        movq    %r13, 104(%rdi)
        movq    %r14, 112(%rdi)
        movq    %r15, 120(%rdi)
        movq    (%rsp), %rax
        movq    %rax, 128(%rdi)
        pushfq
        .cfi_adjust_cfa_offset 8
        popq    %rax
        .cfi_adjust_cfa_offset -8
        movq    %rax, 136(%rdi)
        stmxcsr 144(%rdi)
        .irp number, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
        movups  %xmm\number, 160 + 16 * \number(%rdi)
        .endr
        movq    0(%rdi), %rax
        ret
        .cfi_endproc
        .size   dumpsim_capture_context, . - dumpsim_capture_context

/* By iretq, the one instruction that loads rip, rsp and the flags at once and needs no memory below the new stack
 * pointer, where a System V leaf function may keep its variables. */
        .globl  dumpsim_resume_context
        .hidden dumpsim_resume_context
        .type   dumpsim_resume_context, @function
        .p2align 4
dumpsim_resume_context:
        .cfi_startproc
        .cfi_undefined %rip
        ldmxcsr 144(%rdi)
        .irp number, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
        movups  160 + 16 * \number(%rdi), %xmm\number
        .endr
        movq    128(%rdi), %rax
        movq    %rax, 416(%rdi)
        xorl    %eax, %eax
        movw    %cs, %ax
        movq    %rax, 424(%rdi)
        movq    136(%rdi), %rax
        movq    %rax, 432(%rdi)
        movq    32(%rdi), %rax
        movq    %rax, 440(%rdi)
        xorl    %eax, %eax
        movw    %ss, %ax
        movq    %rax, 448(%rdi)
        movq    0(%rdi), %rax
        movq    8(%rdi), %rcx
        movq    16(%rdi), %rdx
        movq    24(%rdi), %rbx
        movq    40(%rdi), %rbp
        movq    48(%rdi), %rsi
        movq    64(%rdi), %r8
        movq    72(%rdi), %r9
        movq    80(%rdi), %r10
        movq    88(%rdi), %r11
        movq    96(%rdi), %r12
        movq    104(%rdi), %r13
        movq    112(%rdi), %r14
        movq    120(%rdi), %r15
        leaq    416(%rdi), %rsp
        movq    56(%rdi), %rdi
        iretq
        .cfi_endproc
        .size   dumpsim_resume_context, . - dumpsim_resume_context

/* What the function may take for its own below the frame pointer lies above; what it keeps at the stack pointer for the
 * functions it calls (home space, arguments) gets the room that is left here. */
        .globl  dumpsim_enter_frame
        .hidden dumpsim_enter_frame
        .type   dumpsim_enter_frame, @function
        .p2align 4
dumpsim_enter_frame:
        .cfi_startproc
        .cfi_undefined %rip
        pushq   %rbp
        pushq   %rbx
        pushq   %r12
        pushq   %r13
        pushq   %r14
        pushq   %r15
        movq    %rsp, (%rdi)
        subq    $1024, %rsp
        andq    $-16, %rsp
        movq    %rsi, %rbp
        jmp     *%rdx
        .cfi_endproc
        .size   dumpsim_enter_frame, . - dumpsim_enter_frame

        .globl  dumpsim_return_into
        .hidden dumpsim_return_into
        .type   dumpsim_return_into, @function
        .p2align 4
dumpsim_return_into:
        .cfi_startproc
        .cfi_undefined %rip
        movq    %rdi, %rsp
        movq    %rsi, %rax
        cld
        popq    %r15
        popq    %r14
        popq    %r13
        popq    %r12
        popq    %rbx
        popq    %rbp
        ret
        .cfi_endproc
        .size   dumpsim_return_into, . - dumpsim_return_into

        .section .note.GNU-stack,"",@progbits
