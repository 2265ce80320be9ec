// SPDX-License-Identifier: Apache-2.0
//
// <wctype.h> for a Windows target, which has no C library in reach: wide characters, as far as the kernel has them.
#ifndef WDK_CRT_WCTYPE_H
#define WDK_CRT_WCTYPE_H

#include "../ddi/crt.h"

#endif  // WDK_CRT_WCTYPE_H
