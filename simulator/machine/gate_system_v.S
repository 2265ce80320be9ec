/* SPDX-License-Identifier: Apache-2.0
 * The gate into a driver built with the System V convention: what gcc and clang make of a driver's source on Linux
 * unless told otherwise. uint64_t dumpsim_gate_system_v(Frame*): see gate_layout.h for the frame. */
#include "gate_layout.h"

GATE_FUNCTION dumpsim_gate_system_v
        GATE_ENTER
        /* Two arguments of eight travel on the stack. */
        GATE_GUEST_STACK 16
        movq    GATE_ARGUMENTS(%rdi), %r10
        movups  48(%r10), %xmm0
        movaps  %xmm0, 0(%rax)
        movq    %rax, %rsp
        movq    %rdi, %r11
        movq    0(%r10), %rdi
        movq    8(%r10), %rsi
        movq    16(%r10), %rdx
        movq    24(%r10), %rcx
        movq    32(%r10), %r8
        movq    40(%r10), %r9
        GATE_PLANT
        xorl    %eax, %eax
        call    *GATE_ENTRY(%r11)
        GATE_RETURNED
        GATE_CHECK
        GATE_RETURN
GATE_FUNCTION_END dumpsim_gate_system_v

        .section .note.GNU-stack,"",@progbits
