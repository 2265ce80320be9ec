// SPDX-License-Identifier: Apache-2.0
//
// What ntddk.h has beyond wdm.h for a dump filter: exception records and the x64 context, which bug check code
// and the dump header carry.
#ifndef WDK_NTDDK_H
#define WDK_NTDDK_H

#include "wdm.h"

#include "ddi/context.h"
#include "ddi/exception.h"

#endif  // WDK_NTDDK_H
