/* SPDX-License-Identifier: Apache-2.0
 * The way out of a driver that does not return: void dumpsim_gate_leave(Frame*, uint64_t reason) makes the frame's gate
 * return `reason`. It needs no stack of its own, since a fault may have used that up: it may be jumped to from
 * anywhere, with nothing but rdi and rsi set. */
#include "gate_layout.h"

GATE_FUNCTION dumpsim_gate_leave
        .cfi_undefined %rip
        movq    GATE_HOST_RSP(%rdi), %rsp
        leaq    48(%rsp), %rbp
        movq    $1, GATE_LEFT(%rdi)
        movl    $0, GATE_CHANGED(%rdi)
        movq    %rsi, %rax
        cld
        /* Not just the control word: a pending exception or registers in MMX use would hit the host later. */
        fninit
        fldcw   GATE_X87(%rdi)
        ldmxcsr GATE_MXCSR(%rdi)
        GATE_RETURN
GATE_FUNCTION_END dumpsim_gate_leave

        .section .note.GNU-stack,"",@progbits
