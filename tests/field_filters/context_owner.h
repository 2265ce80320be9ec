// SPDX-License-Identifier: Apache-2.0
//
// What the main driver context_owner and the dump filter context_filter agree on.
#ifndef FIELD_FILTERS_CONTEXT_OWNER_H
#define FIELD_FILTERS_CONTEXT_OWNER_H

#include "field.h"

#define CONTEXT_DEVICE L"\\Device\\FieldContext"
#define CONTEXT_MAGIC 0x4F434C4549460001ull
#define CONTEXT_IOCTL_GET CTL_CODE(FILE_DEVICE_UNKNOWN, 0x830, METHOD_BUFFERED, FILE_ANY_ACCESS)

// Lies in the main driver's pool. Counted by it, read by the filter at HIGH_LEVEL: nonpaged.
typedef struct _CONTEXT_SHARED {
  ULONGLONG Magic;
  ULONGLONG Key;
  LONG Filters;  // how many were given the pointer
} CONTEXT_SHARED, *PCONTEXT_SHARED;

#endif  // FIELD_FILTERS_CONTEXT_OWNER_H
