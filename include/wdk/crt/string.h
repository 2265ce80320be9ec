// SPDX-License-Identifier: Apache-2.0
//
// <string.h> for a Windows target, which has no C library in reach: memory and strings, as far as the kernel has them.
#ifndef WDK_CRT_STRING_H
#define WDK_CRT_STRING_H

#include "../ddi/crt.h"

#endif  // WDK_CRT_STRING_H
