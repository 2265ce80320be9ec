/* SPDX-License-Identifier: Apache-2.0
 * What clang calls unasked where it compiles for Windows, linked into each filter that is built so, hidden. _fltused is
 * only looked at. */
#define CHKSTK __chkstk
#include "chkstk.S"

        .section .rodata
        .globl _fltused
        .hidden _fltused
        .type _fltused, @object
        .balign 4
_fltused:
        .long 0x9875
        .size _fltused, 4

        .section .note.GNU-stack,"",@progbits
