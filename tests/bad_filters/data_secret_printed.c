// SPDX-License-Identifier: Apache-2.0
//
// Breaks data.secret-found: prints its key, byte by byte, for whoever debugs it. The debugger's log is read by others.
#include <ntddk.h>

#include <ntdddump.h>

static NTSTATUS BadStart(PFILTER_EXTENSION FilterExtension) {
  UNREFERENCED_PARAMETER(FilterExtension);
  DbgPrint("key:\n");
  for (ULONG i = 0; i < 16; ++i) DbgPrint("0x%02X\n", (UCHAR)(0x10 + 7 * i));
  return STATUS_SUCCESS;
}

NTSTATUS DriverEntry(PFILTER_EXTENSION FilterExtension, PFILTER_INITIALIZATION_DATA InitializationData) {
  UNREFERENCED_PARAMETER(FilterExtension);
  InitializationData->DumpStart = BadStart;
  return STATUS_SUCCESS;
}
