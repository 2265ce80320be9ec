// SPDX-License-Identifier: Apache-2.0
//
// Included before the headers that declare GUIDs, it turns each DEFINE_GUID into a definition private to the image.
#ifndef WDK_INITGUID_H
#define WDK_INITGUID_H

#ifndef INITGUID
#define INITGUID
#endif

#endif  // WDK_INITGUID_H

#include "ddi/guid.h"
