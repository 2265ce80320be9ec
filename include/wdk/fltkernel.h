// SPDX-License-Identifier: Apache-2.0
//
// What fltkernel.h brings along for drivers that include it instead of ntifs.h. Of the filter manager itself nothing is
// simulated: a dump filter has no business with it, and its routines are absent. [doc]
#ifndef WDK_FLTKERNEL_H
#define WDK_FLTKERNEL_H

#include "ntifs.h"

#endif  // WDK_FLTKERNEL_H
