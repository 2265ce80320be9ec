// SPDX-License-Identifier: Apache-2.0
//
// Breaks pool.executable: asks for NonPagedPool, which can be executed.
#include <ntddk.h>

#include <ntdddump.h>

static NTSTATUS Unload(PFILTER_EXTENSION FilterExtension) {
  ExFreePoolWithTag(FilterExtension->DumpData, 'xEaB');
  return STATUS_SUCCESS;
}

NTSTATUS DriverEntry(PFILTER_EXTENSION FilterExtension, PFILTER_INITIALIZATION_DATA InitializationData) {
  UNREFERENCED_PARAMETER(FilterExtension);
  InitializationData->DumpData = ExAllocatePoolWithTag(NonPagedPool, 64, 'xEaB');
  InitializationData->DumpUnload = Unload;
  return InitializationData->DumpData == NULL ? STATUS_INSUFFICIENT_RESOURCES : STATUS_SUCCESS;
}
