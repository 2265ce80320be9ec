// SPDX-License-Identifier: Apache-2.0
//
// Fails in DumpStart, as a filter does whose drive is not mounted, and believes that there will be no dump. There is
// one, without it.
#include <ntddk.h>

#include <ntdddump.h>

static NTSTATUS BadStart(PFILTER_EXTENSION FilterExtension) {
  UNREFERENCED_PARAMETER(FilterExtension);
  return STATUS_UNSUCCESSFUL;
}

static NTSTATUS BadWrite(PFILTER_EXTENSION FilterExtension, PLARGE_INTEGER DiskByteOffset, PMDL Mdl) {
  UNREFERENCED_PARAMETER(FilterExtension);
  UNREFERENCED_PARAMETER(DiskByteOffset);
  UNREFERENCED_PARAMETER(Mdl);
  return STATUS_SUCCESS;
}

NTSTATUS DriverEntry(PFILTER_EXTENSION FilterExtension, PFILTER_INITIALIZATION_DATA InitializationData) {
  UNREFERENCED_PARAMETER(FilterExtension);
  InitializationData->DumpStart = BadStart;
  InitializationData->DumpWrite = BadWrite;
  return STATUS_SUCCESS;
}
