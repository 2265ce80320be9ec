// SPDX-License-Identifier: Apache-2.0
//
// Breaks lifecycle.failed-without-critical: says that it is critical only once everything has worked, which is too
// late for the failure that comes first.
#include <ntddk.h>

#include <ntdddump.h>


NTSTATUS DriverEntry(PFILTER_EXTENSION FilterExtension, PFILTER_INITIALIZATION_DATA InitializationData) {
  UNREFERENCED_PARAMETER(FilterExtension);
  InitializationData->Flags = 0;
  // Its main driver is not there.
  if (FilterExtension->DeviceObject != NULL) return STATUS_NO_SUCH_DEVICE;
  InitializationData->Flags |= DUMP_FILTER_CRITICAL;
  return STATUS_SUCCESS;
}
