// SPDX-License-Identifier: Apache-2.0
//
// <stdio.h> for a Windows target, which has no C library in reach: formatting into a buffer, as far as the kernel has
// them.
#ifndef WDK_CRT_STDIO_H
#define WDK_CRT_STDIO_H

#include "../ddi/crt.h"

#endif  // WDK_CRT_STDIO_H
