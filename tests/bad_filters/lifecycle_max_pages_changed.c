// SPDX-License-Identifier: Apache-2.0
//
// Breaks lifecycle.max-pages-changed: has a buffer of four pages and believes that lowering MaxPagesPerWrite makes
// writes that small.
#include <ntddk.h>

#include <ntdddump.h>


NTSTATUS DriverEntry(PFILTER_EXTENSION FilterExtension, PFILTER_INITIALIZATION_DATA InitializationData) {
  UNREFERENCED_PARAMETER(FilterExtension);
  InitializationData->MaxPagesPerWrite = 4;
  return STATUS_SUCCESS;
}
