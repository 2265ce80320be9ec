// SPDX-License-Identifier: Apache-2.0
//
// Succeeds with a status of 1, which is success to NT_SUCCESS and not STATUS_SUCCESS, and is critical.
#include <ntddk.h>

#include <ntdddump.h>

NTSTATUS DriverEntry(PFILTER_EXTENSION FilterExtension, PFILTER_INITIALIZATION_DATA InitializationData) {
  UNREFERENCED_PARAMETER(FilterExtension);
  InitializationData->Flags |= DUMP_FILTER_CRITICAL;
  return (NTSTATUS)1;
}
