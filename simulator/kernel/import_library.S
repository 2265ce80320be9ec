/* SPDX-License-Identifier: Apache-2.0
 * What a filter links against: every name of the export table, and nothing else, so that a function which is not
 * simulated is a link error with its name. Built twice, as libntoskrnl.so (System V) and libntoskrnl-ms.so (Microsoft);
 * which of the two an image was linked with tells its calling convention. At run time the loader binds imports straight
 * to the host's entry points of that convention and never loads these: code behind the names would only be one more
 * jump, and a second place for the table to be out of date. */

        .text
#define EXPORT(name, max_irql, may_fault) \
        .globl name ; \
        .type name, @function ; \
        .size name, 2 ; \
name:
#include "exports.def"
#undef EXPORT
        .cfi_startproc
        ud2
        .cfi_endproc

        .section .note.GNU-stack,"",@progbits
