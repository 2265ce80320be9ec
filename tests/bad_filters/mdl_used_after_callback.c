// SPDX-License-Identifier: Apache-2.0
//
// Breaks mdl.used-after-callback: remembers the MDL of its last write and looks at the bytes once more in DumpFinish.
#include <ntddk.h>

#include <ntdddump.h>

static PMDL Kept;
static volatile UCHAR Last;

static NTSTATUS BadWrite(PFILTER_EXTENSION FilterExtension, PLARGE_INTEGER DiskByteOffset, PMDL Mdl) {
  UNREFERENCED_PARAMETER(FilterExtension);
  UNREFERENCED_PARAMETER(DiskByteOffset);
  Kept = Mdl;
  return STATUS_SUCCESS;
}

static NTSTATUS BadFinish(PFILTER_EXTENSION FilterExtension) {
  UNREFERENCED_PARAMETER(FilterExtension);
  if (Kept != NULL) Last = *(PUCHAR)Kept->MappedSystemVa;
  return STATUS_SUCCESS;
}

NTSTATUS DriverEntry(PFILTER_EXTENSION FilterExtension, PFILTER_INITIALIZATION_DATA InitializationData) {
  UNREFERENCED_PARAMETER(FilterExtension);
  InitializationData->DumpWrite = BadWrite;
  InitializationData->DumpFinish = BadFinish;
  return STATUS_SUCCESS;
}
