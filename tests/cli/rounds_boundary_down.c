// SPDX-License-Identifier: Apache-2.0
//
// Encrypts whole pages only, so that up to seven sectors in front of the end of protection go to the disk in clear.
#define SERVICE L"rounds_boundary_down"
#define PROTECTED_END(Bytes) ((Bytes) & ~(ULONGLONG)(PAGE_SIZE - 1))
#include "../correct_filters/partly_protected.c"
