// SPDX-License-Identifier: Apache-2.0
//
// <memory.h> for a Windows target, which has no C library in reach: memory, as far as the kernel has them.
#ifndef WDK_CRT_MEMORY_H
#define WDK_CRT_MEMORY_H

#include "../ddi/crt.h"

#endif  // WDK_CRT_MEMORY_H
