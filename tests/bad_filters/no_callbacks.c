// SPDX-License-Identifier: Apache-2.0
//
// Has no callback at all, which is legal: NULL pointers are skipped.
#include <ntddk.h>

#include <ntdddump.h>

NTSTATUS DriverEntry(PFILTER_EXTENSION FilterExtension, PFILTER_INITIALIZATION_DATA InitializationData) {
  UNREFERENCED_PARAMETER(FilterExtension);
  UNREFERENCED_PARAMETER(InitializationData);
  return STATUS_SUCCESS;
}
