// SPDX-License-Identifier: Apache-2.0
//
// <stdlib.h> for a Windows target, which has no C library in reach: conversions and rotations, as far as the kernel has
// them.
#ifndef WDK_CRT_STDLIB_H
#define WDK_CRT_STDLIB_H

#include "../ddi/crt.h"

#endif  // WDK_CRT_STDLIB_H
