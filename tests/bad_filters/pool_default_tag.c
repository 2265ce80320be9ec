// SPDX-License-Identifier: Apache-2.0
//
// Breaks pool.default-tag: leaves the tag of its context at zero.
#include <ntddk.h>

#include <ntdddump.h>

static NTSTATUS Unload(PFILTER_EXTENSION FilterExtension) {
  ExFreePool(FilterExtension->DumpData);
  return STATUS_SUCCESS;
}

NTSTATUS DriverEntry(PFILTER_EXTENSION FilterExtension, PFILTER_INITIALIZATION_DATA InitializationData) {
  UNREFERENCED_PARAMETER(FilterExtension);
  InitializationData->DumpData = ExAllocatePoolWithTag(NonPagedPoolNx, 64, 0);
  InitializationData->DumpUnload = Unload;
  return InitializationData->DumpData == NULL ? STATUS_INSUFFICIENT_RESOURCES : STATUS_SUCCESS;
}
