// SPDX-License-Identifier: Apache-2.0
//
// Fails in DriverEntry without being critical: it is skipped from then on and the dump is written without it. From
// Windows 8 on the host hands out Flags with the bit set that means critical on the way back, so it has to be cleared.
#include <ntddk.h>

#include <ntdddump.h>

NTSTATUS DriverEntry(PFILTER_EXTENSION FilterExtension, PFILTER_INITIALIZATION_DATA InitializationData) {
  UNREFERENCED_PARAMETER(FilterExtension);
  InitializationData->Flags &= ~DUMP_FILTER_CRITICAL;
  return STATUS_NO_SUCH_DEVICE;
}
