/* SPDX-License-Identifier: Apache-2.0
 * What a filter links against: a jump table with an entry for every name of the export table, and nothing else. The
 * loader fills the slots with the host's entry points of one convention, so that no WDK name has to stand in the host's
 * own global scope, where it would capture the callers of the other. Built twice, as libntoskrnl.so (System V) and
 * libntoskrnl-ms.so (Microsoft); the code is the same, because a jump changes no register.
 *
 * The loader finds dumpsim_import_slots[dumpsim_import_count] in the order of the table, and dumpsim_import_names, the
 * names in that order, each ended by a zero byte, to tell a stale build by. */

        .text
        /* A call that reaches an empty slot is a defect of the host: die where it happens. */
        .p2align 4
        .type   empty_slot, @function
empty_slot:
        .cfi_startproc
        ud2
        .cfi_endproc
        .size   empty_slot, . - empty_slot

#define EXPORT(name, max_irql, may_fault) \
        .p2align 4 ; \
        .globl name ; \
        .type name, @function ; \
name: ; \
        .cfi_startproc ; \
        jmp *.Lslot_##name(%rip) ; \
        .cfi_endproc ; \
        .size name, . - name ;
#include "exports.def"
#undef EXPORT

        .data
        .p2align 3
        .globl  dumpsim_import_slots
        .type   dumpsim_import_slots, @object
dumpsim_import_slots:
#define EXPORT(name, max_irql, may_fault) .Lslot_##name: .quad empty_slot ;
#include "exports.def"
#undef EXPORT
.Lslots_end:
        .size   dumpsim_import_slots, .Lslots_end - dumpsim_import_slots

        .section .rodata
        .p2align 3
        .globl  dumpsim_import_count
        .type   dumpsim_import_count, @object
dumpsim_import_count:
        .quad   (.Lslots_end - dumpsim_import_slots) / 8
        .size   dumpsim_import_count, 8

        .globl  dumpsim_import_names
        .type   dumpsim_import_names, @object
dumpsim_import_names:
#define EXPORT(name, max_irql, may_fault) .asciz #name ;
#include "exports.def"
#undef EXPORT
.Lnames_end:
        .size   dumpsim_import_names, .Lnames_end - dumpsim_import_names

        .section .note.GNU-stack,"",@progbits
