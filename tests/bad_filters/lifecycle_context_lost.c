// SPDX-License-Identifier: Apache-2.0
//
// Breaks lifecycle.context-lost: keeps its context in FilterExtension->DumpData at once, where the host copies
// InitializationData->DumpData over it.
#include <ntddk.h>

#include <ntdddump.h>

static ULONG Context;

NTSTATUS DriverEntry(PFILTER_EXTENSION FilterExtension, PFILTER_INITIALIZATION_DATA InitializationData) {
  UNREFERENCED_PARAMETER(InitializationData);
  FilterExtension->DumpData = &Context;
  return STATUS_SUCCESS;
}
