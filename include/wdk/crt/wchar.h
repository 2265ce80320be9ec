// SPDX-License-Identifier: Apache-2.0
//
// <wchar.h> for a Windows target, which has no C library in reach: wide strings, as far as the kernel has them.
#ifndef WDK_CRT_WCHAR_H
#define WDK_CRT_WCHAR_H

#include "../ddi/crt.h"

#endif  // WDK_CRT_WCHAR_H
