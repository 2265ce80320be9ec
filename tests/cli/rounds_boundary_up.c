// SPDX-License-Identifier: Apache-2.0
//
// Encrypts the page in which protection ends as a whole: whoever reads the disk by the product's own rules takes up to
// seven sectors behind the end for what was written, and they are ciphertext.
#define SERVICE L"rounds_boundary_up"
#define PROTECTED_END(Bytes) (((Bytes) + PAGE_SIZE - 1) & ~(ULONGLONG)(PAGE_SIZE - 1))
#include "../correct_filters/partly_protected.c"
