// SPDX-License-Identifier: Apache-2.0
//
// Breaks lifecycle.init-changed-later: keeps the pointer to its initialization data and changes in DumpStart which
// version it says it is.
#include <ntddk.h>

#include <ntdddump.h>

static PFILTER_INITIALIZATION_DATA Kept;

static NTSTATUS BadStart(PFILTER_EXTENSION FilterExtension) {
  UNREFERENCED_PARAMETER(FilterExtension);
  Kept->MinorVersion = 7;
  return STATUS_SUCCESS;
}

NTSTATUS DriverEntry(PFILTER_EXTENSION FilterExtension, PFILTER_INITIALIZATION_DATA InitializationData) {
  UNREFERENCED_PARAMETER(FilterExtension);
  Kept = InitializationData;
  InitializationData->DumpStart = BadStart;
  return STATUS_SUCCESS;
}
