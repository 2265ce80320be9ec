// SPDX-License-Identifier: Apache-2.0
//
// Turns the layout facts into static assertions. The same source, as C and as C++, against our headers or (with
// WDK_TEST_MINGW) against mingw-w64's. WDK_TEST_CONTROL adds facts that are wrong and must stop the compiler;
// WDK_TEST_FILTERS_ONLY leaves the filter structures, for the other values of NTDDI_VERSION.
#ifdef WDK_TEST_MINGW
#include <ntifs.h>

#include <ntdddisk.h>
#include <ntddscsi.h>
#include <ntddstor.h>
#include <ntddvol.h>
#include <ntimage.h>

#include <mountmgr.h>

#include <mountdev.h>
#else
#include "mountdev.h"
#include "mountmgr.h"
#include "ntdddisk.h"
#include "ntdddump.h"
#include "ntddscsi.h"
#include "ntddstor.h"
#include "ntddvol.h"
#include "ntifs.h"
#include "ntimage.h"
#endif

#ifdef __cplusplus
#define CHECK(condition, text) static_assert(condition, text)
#else
#define CHECK(condition, text) _Static_assert(condition, text)
#endif

#define SIZE(type, bytes) CHECK(sizeof(type) == (bytes), "sizeof(" #type ") is not " #bytes);
#define FIELD(type, member, offset) \
  CHECK(__builtin_offsetof(type, member) == (offset), #type "." #member " is not at " #offset);
#define VALUE(name, number) CHECK((long long)(name) == (long long)(number), #name " is not " #number);
#define STATUS(name, code) CHECK((unsigned)(name) == (code) && sizeof(name) == 4, #name " is not " #code);

#ifdef WDK_TEST_MINGW
#define DIFFERS_SIZE(type, ours, theirs, evidence) SIZE(type, theirs)
#define DIFFERS_FIELD(type, member, ours, theirs, evidence) FIELD(type, member, theirs)
#define ABSENT_SIZE(type, bytes, evidence)
#define ABSENT_FIELD(type, member, offset, evidence)
#define ABSENT_VALUE(name, number, evidence)
#else
#define DIFFERS_SIZE(type, ours, theirs, evidence) SIZE(type, ours)
#define DIFFERS_FIELD(type, member, ours, theirs, evidence) FIELD(type, member, ours)
#define ABSENT_SIZE(type, bytes, evidence) SIZE(type, bytes)
#define ABSENT_FIELD(type, member, offset, evidence) FIELD(type, member, offset)
#define ABSENT_VALUE(name, number, evidence) VALUE(name, number)
#endif

#ifdef WDK_TEST_FILTERS_ONLY
#include "layouts_filters.def"
#else
#include "layouts.def"
#include "layouts_exceptions.def"
#endif

#ifdef WDK_TEST_CONTROL
SIZE(MDL, 47)
FIELD(IRP, UserBuffer, 0x71)
VALUE(MDL_PAGES_LOCKED, 3)
STATUS(STATUS_PENDING, 0x104)
DIFFERS_SIZE(LIST_ENTRY, 17, 18, "control")
#endif
