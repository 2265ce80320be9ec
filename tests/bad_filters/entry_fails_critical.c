// SPDX-License-Identifier: Apache-2.0
//
// Fails in DriverEntry after declaring itself critical: the whole stack is not loaded and a crash leaves no dump.
#include <ntddk.h>

#include <ntdddump.h>

NTSTATUS DriverEntry(PFILTER_EXTENSION FilterExtension, PFILTER_INITIALIZATION_DATA InitializationData) {
  UNREFERENCED_PARAMETER(FilterExtension);
  InitializationData->Flags |= DUMP_FILTER_CRITICAL;
  return STATUS_NO_SUCH_DEVICE;
}
