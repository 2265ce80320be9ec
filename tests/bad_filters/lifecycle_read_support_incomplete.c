// SPDX-License-Identifier: Apache-2.0
//
// Breaks lifecycle.read-support-incomplete: sets DumpRead and the flag, and leaves MajorVersion at 1.
#include <ntddk.h>

#include <ntdddump.h>

static NTSTATUS BadRead(PFILTER_EXTENSION FilterExtension, PLARGE_INTEGER DiskByteOffset, PMDL Mdl) {
  UNREFERENCED_PARAMETER(FilterExtension);
  UNREFERENCED_PARAMETER(DiskByteOffset);
  UNREFERENCED_PARAMETER(Mdl);
  return STATUS_SUCCESS;
}

NTSTATUS DriverEntry(PFILTER_EXTENSION FilterExtension, PFILTER_INITIALIZATION_DATA InitializationData) {
  UNREFERENCED_PARAMETER(FilterExtension);
  InitializationData->MajorVersion = DUMP_FILTER_MAJOR_VERSION_1;
  InitializationData->Flags |= DUMP_FILTER_FLAG_SYSTEM_SUPPORT_READ;
  InitializationData->DumpRead = BadRead;
  return STATUS_SUCCESS;
}
