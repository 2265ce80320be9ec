/* SPDX-License-Identifier: Apache-2.0
 * From one strand to another: void dumpsim_gate_switch(void** rest, void* go_on) leaves everything System V makes the
 * caller expect back on this stack, its address in *rest, and takes up what lies at go_on, which another call of this
 * function left there. Both stacks have the same shape at the moment of the change, so the CFA's rule holds on either
 * side of it. What a Microsoft driver expects beyond that (rdi, rsi, xmm6 to xmm15) its entry into the host has saved.
 *
 * dumpsim_gate_begin is where a strand's first switch arrives: rbx the function, r12 its argument, and above it nothing
 * that could be returned to. */
#include "gate_layout.h"

GATE_FUNCTION dumpsim_gate_switch
        pushq   %rbp
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset %rbp, 0
        pushq   %rbx
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset %rbx, 0
        pushq   %r12
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset %r12, 0
        pushq   %r13
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset %r13, 0
        pushq   %r14
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset %r14, 0
        pushq   %r15
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset %r15, 0
        subq    $8, %rsp
        .cfi_adjust_cfa_offset 8
        stmxcsr (%rsp)
        fnstcw  4(%rsp)
        movq    %rsp, (%rdi)
        movq    %rsi, %rsp
        fldcw   4(%rsp)
        ldmxcsr (%rsp)
        addq    $8, %rsp
        .cfi_adjust_cfa_offset -8
        popq    %r15
        .cfi_adjust_cfa_offset -8
        .cfi_restore %r15
        popq    %r14
        .cfi_adjust_cfa_offset -8
        .cfi_restore %r14
        popq    %r13
        .cfi_adjust_cfa_offset -8
        .cfi_restore %r13
        popq    %r12
        .cfi_adjust_cfa_offset -8
        .cfi_restore %r12
        popq    %rbx
        .cfi_adjust_cfa_offset -8
        .cfi_restore %rbx
        popq    %rbp
        .cfi_adjust_cfa_offset -8
        .cfi_restore %rbp
        ret
GATE_FUNCTION_END dumpsim_gate_switch

GATE_FUNCTION dumpsim_gate_begin
        .cfi_undefined %rip
        movq    %r12, %rdi
        xorl    %ebp, %ebp
        call    *%rbx
        ud2
GATE_FUNCTION_END dumpsim_gate_begin

        .section .note.GNU-stack,"",@progbits
