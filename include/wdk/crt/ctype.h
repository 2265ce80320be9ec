// SPDX-License-Identifier: Apache-2.0
//
// <ctype.h> for a Windows target, which has no C library in reach: characters, as far as the kernel has them.
#ifndef WDK_CRT_CTYPE_H
#define WDK_CRT_CTYPE_H

#include "../ddi/crt.h"

#endif  // WDK_CRT_CTYPE_H
