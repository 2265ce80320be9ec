// SPDX-License-Identifier: Apache-2.0
//
// Fails in DumpFinish. The dump is complete by then; what the filter loses is the log that is still to be written.
#include <ntddk.h>

#include <ntdddump.h>

static NTSTATUS BadFinish(PFILTER_EXTENSION FilterExtension) {
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
  InitializationData->DumpFinish = BadFinish;
  InitializationData->DumpWrite = BadWrite;
  return STATUS_SUCCESS;
}
