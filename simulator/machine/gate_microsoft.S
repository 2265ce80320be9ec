/* SPDX-License-Identifier: Apache-2.0
 * The gate into a driver built with Microsoft's x64 convention, in which rdi, rsi and xmm6 to xmm15 come back too.
 * The host keeps nothing in those across a call, so they are planted with constants and compared: no 160 bytes need
 * saving. */
#include "gate_layout.h"

        .section .rodata
        .p2align 4
.Lplanted_xmm:
        .irp number, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
        .quad   0xd00d5eedbeef0000 + \number
        .quad   0x5afe1dea0c0de000 + \number
        .endr

GATE_FUNCTION dumpsim_gate_microsoft
        GATE_ENTER
        /* 32 bytes of home space [doc], then the four arguments of eight that travel on the stack. */
        GATE_GUEST_STACK 64
        movq    GATE_ARGUMENTS(%rdi), %r10
        movups  32(%r10), %xmm0
        movups  48(%r10), %xmm1
        movaps  %xmm0, 32(%rax)
        movaps  %xmm1, 48(%rax)
        movq    %rax, %rsp
        movq    %rdi, %r11
        movq    0(%r10), %rcx
        movq    8(%r10), %rdx
        movq    16(%r10), %r8
        movq    24(%r10), %r9
        GATE_PLANT
        movq    $-0x1c0dfff6, %rdi
        movq    $-0x1c0dfff7, %rsi
        movaps  .Lplanted_xmm+0(%rip), %xmm6
        movaps  .Lplanted_xmm+16(%rip), %xmm7
        movaps  .Lplanted_xmm+32(%rip), %xmm8
        movaps  .Lplanted_xmm+48(%rip), %xmm9
        movaps  .Lplanted_xmm+64(%rip), %xmm10
        movaps  .Lplanted_xmm+80(%rip), %xmm11
        movaps  .Lplanted_xmm+96(%rip), %xmm12
        movaps  .Lplanted_xmm+112(%rip), %xmm13
        movaps  .Lplanted_xmm+128(%rip), %xmm14
        movaps  .Lplanted_xmm+144(%rip), %xmm15
        call    *GATE_ENTRY(%r11)
        GATE_RETURNED
        GATE_COMPARE %rdi, -0x1c0dfff6, GATE_CHANGED_RDI
        GATE_COMPARE %rsi, -0x1c0dfff7, GATE_CHANGED_RSI
        pcmpeqd .Lplanted_xmm+0(%rip), %xmm6
        pcmpeqd .Lplanted_xmm+16(%rip), %xmm7
        pcmpeqd .Lplanted_xmm+32(%rip), %xmm8
        pcmpeqd .Lplanted_xmm+48(%rip), %xmm9
        pcmpeqd .Lplanted_xmm+64(%rip), %xmm10
        pcmpeqd .Lplanted_xmm+80(%rip), %xmm11
        pcmpeqd .Lplanted_xmm+96(%rip), %xmm12
        pcmpeqd .Lplanted_xmm+112(%rip), %xmm13
        pcmpeqd .Lplanted_xmm+128(%rip), %xmm14
        pcmpeqd .Lplanted_xmm+144(%rip), %xmm15
        pand    %xmm7, %xmm6
        pand    %xmm9, %xmm8
        pand    %xmm11, %xmm10
        pand    %xmm13, %xmm12
        pand    %xmm15, %xmm14
        pand    %xmm8, %xmm6
        pand    %xmm12, %xmm10
        pand    %xmm14, %xmm6
        pand    %xmm10, %xmm6
        pmovmskb %xmm6, %r8d
        cmpl    $0xffff, %r8d
        je      1f
        orl     $GATE_CHANGED_XMM, %edx
1:
        GATE_CHECK
        GATE_RETURN
GATE_FUNCTION_END dumpsim_gate_microsoft

        .section .note.GNU-stack,"",@progbits
