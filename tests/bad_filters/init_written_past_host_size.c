// SPDX-License-Identifier: Apache-2.0
//
// Breaks init.written-past-host-size: clears the structure it was handed "to be safe", by the size its own kit gives
// it. On Windows 7 the structure is eight bytes shorter and FILTER_EXTENSION begins right behind it.
#include <ntddk.h>

#include <ntdddump.h>

static NTSTATUS BadWrite(PFILTER_EXTENSION FilterExtension, PLARGE_INTEGER DiskByteOffset, PMDL Mdl) {
  UNREFERENCED_PARAMETER(FilterExtension);
  UNREFERENCED_PARAMETER(DiskByteOffset);
  UNREFERENCED_PARAMETER(Mdl);
  return STATUS_SUCCESS;
}

NTSTATUS DriverEntry(PFILTER_EXTENSION FilterExtension, PFILTER_INITIALIZATION_DATA InitializationData) {
  UNREFERENCED_PARAMETER(FilterExtension);
  RtlZeroMemory(InitializationData, sizeof(*InitializationData));
  InitializationData->MajorVersion = DUMP_FILTER_MAJOR_VERSION;
  InitializationData->MinorVersion = DUMP_FILTER_MINOR_VERSION;
  InitializationData->DumpWrite = BadWrite;
  return STATUS_SUCCESS;
}
