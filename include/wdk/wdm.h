// SPDX-License-Identifier: Apache-2.0
//
// The driver model's main header: types, objects and the kernel calls a driver of any kind may make. The content lives
// in ddi/, one file per topic; this name and ntddk.h, ntifs.h are what driver sources include.
#ifndef WDK_WDM_H
#define WDK_WDM_H

#include "ntdef.h"
#include "ntstatus.h"

#include "ddi/bugcheck.h"
#include "ddi/crt.h"
#include "ddi/debug.h"
#include "ddi/etw.h"
#include "ddi/ex.h"
#include "ddi/interlocked.h"
#include "ddi/io_calls.h"
#include "ddi/io_codes.h"
#include "ddi/io_types.h"
#include "ddi/ke.h"
#include "ddi/list.h"
#include "ddi/memory.h"
#include "ddi/objects.h"
#include "ddi/pool.h"
#include "ddi/processor.h"
#include "ddi/ps.h"
#include "ddi/rtl.h"
#include "ddi/rtl_bitmap.h"
#include "ddi/rtl_text.h"
#include "ddi/security.h"
#include "ddi/system.h"
#include "ddi/version_checks.h"
#include "ddi/zw.h"
#include "ddi/zw_file.h"
#include "excpt.h"

#endif  // WDK_WDM_H
