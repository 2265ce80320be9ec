/* SPDX-License-Identifier: Apache-2.0
 * The gate into a driver built with the System V convention: what gcc and clang make of a driver's source on Linux
 * unless told otherwise. uint64_t dumpsim_gate_system_v(Frame*): see gate_layout.h for the frame. */
#include "gate_layout.h"

GATE_FUNCTION dumpsim_gate_system_v
        GATE_ENTER
        /* Two arguments of eight travel on the stack. */
        GATE_GUEST_STACK 16
        movq    GATE_ARGUMENTS+48(%rdi), %r8
        movq    GATE_ARGUMENTS+56(%rdi), %r9
        movq    %r8, 0(%rax)
        movq    %r9, 8(%rax)
        movq    %rax, %rsp
        movq    %rdi, %r11
        movq    GATE_ARGUMENTS+0(%r11), %rdi
        movq    GATE_ARGUMENTS+8(%r11), %rsi
        movq    GATE_ARGUMENTS+16(%r11), %rdx
        movq    GATE_ARGUMENTS+24(%r11), %rcx
        movq    GATE_ARGUMENTS+32(%r11), %r8
        movq    GATE_ARGUMENTS+40(%r11), %r9
        GATE_PLANT
        xorl    %eax, %eax
        call    *GATE_ENTRY(%r11)
        xorl    %edx, %edx
        GATE_FIND_FRAME
        GATE_CHECK
        GATE_RETURN
GATE_FUNCTION_END dumpsim_gate_system_v

        .section .note.GNU-stack,"",@progbits
