/* SPDX-License-Identifier: Apache-2.0
 * Where the gate's assembly finds the fields of one call, and the code its three routines share. Plain numbers, since
 * the assembler reads them too; gate.cpp asserts that the C++ structure agrees. The values put into callee-saved
 * registers before a call are constants rather than what the host happened to hold, so that a driver which clobbers one
 * is caught in every build, whatever the compiler kept there. */
#ifndef DUMPSIM_MACHINE_GATE_LAYOUT_H
#define DUMPSIM_MACHINE_GATE_LAYOUT_H

#define GATE_HOST_RSP 0
#define GATE_GUEST_RSP 8
#define GATE_MXCSR 16
#define GATE_MXCSR_AFTER 20
#define GATE_X87 24
#define GATE_X87_AFTER 26
#define GATE_CHANGED 28
#define GATE_LEFT 32
#define GATE_ENTRY 40
#define GATE_ARGUMENTS 48

/* The same bits as dumpsim::machine::Changed. */
#define GATE_CHANGED_RBX 0x1
#define GATE_CHANGED_RBP 0x2
#define GATE_CHANGED_RDI 0x4
#define GATE_CHANGED_RSI 0x8
#define GATE_CHANGED_R12 0x10
#define GATE_CHANGED_R13 0x20
#define GATE_CHANGED_R14 0x40
#define GATE_CHANGED_R15 0x80
#define GATE_CHANGED_XMM 0x100
#define GATE_CHANGED_MXCSR 0x200
#define GATE_CHANGED_X87 0x400
#define GATE_CHANGED_DIRECTION 0x800
#define GATE_CHANGED_RSP 0x1000

#define GATE_DIRECTION_FLAG 0x400
#define GATE_MXCSR_CONTROL 0xffc0

#ifdef __ASSEMBLER__
// clang-format off
/* Pushes what System V makes the host expect back, and remembers the host's stack in the frame (rdi).
 * The CFA hangs on rbp, so that a debugger finds the host's frames from a driver's, across the change of stacks. */
.macro GATE_ENTER
        pushq   %rbp
        .cfi_def_cfa_offset 16
        .cfi_offset %rbp, -16
        movq    %rsp, %rbp
        .cfi_def_cfa_register %rbp
        pushq   %rbx
        .cfi_offset %rbx, -24
        pushq   %r12
        .cfi_offset %r12, -32
        pushq   %r13
        .cfi_offset %r13, -40
        pushq   %r14
        .cfi_offset %r14, -48
        pushq   %r15
        .cfi_offset %r15, -56
        subq    $8, %rsp
        movq    %rsp, GATE_HOST_RSP(%rdi)
.endm

/* rax: where the driver's stack begins. The outermost call names it, an inner call goes on below the host's. */
.macro GATE_GUEST_STACK reserve
        movq    GATE_GUEST_RSP(%rdi), %rax
        testq   %rax, %rax
        cmovzq  %rsp, %rax
        subq    $\reserve, %rax
        andq    $-16, %rax
        movq    %rax, GATE_GUEST_RSP(%rdi)
.endm

.macro GATE_PLANT
        movq    $-0x1c0dfff1, %rbx
        movq    $-0x1c0dfff2, %r12
        movq    $-0x1c0dfff3, %r13
        movq    $-0x1c0dfff4, %r14
        movq    $-0x1c0dfff5, %r15
.endm

/* The driver has returned. rcx: this thread's frame, found without trusting any register the driver could have changed.
 * What is slow to be read is asked for at once and looked at in the end. */
.macro GATE_RETURNED
        movq    dumpsim_gate_current@gottpoff(%rip), %rcx
        movq    %fs:(%rcx), %rcx
        stmxcsr GATE_MXCSR_AFTER(%rcx)
        fnstcw  GATE_X87_AFTER(%rcx)
        xorl    %edx, %edx
.endm

.macro GATE_COMPARE register, planted, bit
        cmpq    $\planted, \register
        je      1f
        orl     $\bit, %edx
1:
.endm

/* edx collects Changed bits; rax holds the value to return and is kept, rcx the frame. */
.macro GATE_CHECK
        GATE_COMPARE %rbx, -0x1c0dfff1, GATE_CHANGED_RBX
        GATE_COMPARE %r12, -0x1c0dfff2, GATE_CHANGED_R12
        GATE_COMPARE %r13, -0x1c0dfff3, GATE_CHANGED_R13
        GATE_COMPARE %r14, -0x1c0dfff4, GATE_CHANGED_R14
        GATE_COMPARE %r15, -0x1c0dfff5, GATE_CHANGED_R15
        cmpq    %rsp, GATE_GUEST_RSP(%rcx)
        je      1f
        orl     $GATE_CHANGED_RSP, %edx
        /* rsp from rbp, not from the frame: a chain of loads through memory would make every call wait for it. */
1:      leaq    -48(%rbp), %r8
        cmpq    %r8, GATE_HOST_RSP(%rcx)
        je      1f
        orl     $GATE_CHANGED_RBP, %edx
        movq    GATE_HOST_RSP(%rcx), %r8
        leaq    48(%r8), %rbp
1:      movq    %r8, %rsp
        /* Which way a string instruction goes tells the direction flag for a tenth of what pushfq takes. */
        movq    %rcx, %rdi
        scasb
        cmpq    %rcx, %rdi
        ja      1f
        orl     $GATE_CHANGED_DIRECTION, %edx
        cld
1:      movl    GATE_MXCSR_AFTER(%rcx), %r8d
        xorl    GATE_MXCSR(%rcx), %r8d
        testl   $GATE_MXCSR_CONTROL, %r8d
        je      1f
        orl     $GATE_CHANGED_MXCSR, %edx
        ldmxcsr GATE_MXCSR(%rcx)
1:      movzwl  GATE_X87_AFTER(%rcx), %r8d
        cmpw    GATE_X87(%rcx), %r8w
        je      1f
        orl     $GATE_CHANGED_X87, %edx
        fnclex
        fldcw   GATE_X87(%rcx)
1:      movl    %edx, GATE_CHANGED(%rcx)
.endm

.macro GATE_RETURN
        addq    $8, %rsp
        popq    %r15
        popq    %r14
        popq    %r13
        popq    %r12
        popq    %rbx
        popq    %rbp
        .cfi_def_cfa %rsp, 8
        ret
.endm

.macro GATE_FUNCTION name
        .text
        .globl  \name
        .hidden \name
        .type   \name, @function
        .p2align 4
\name:
        .cfi_startproc
.endm

.macro GATE_FUNCTION_END name
        .cfi_endproc
        .size   \name, . - \name
.endm
// clang-format on
#endif

#endif
