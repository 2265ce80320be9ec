// SPDX-License-Identifier: Apache-2.0
//
// Breaks nothing: protects a volume that turns out not to be encrypted, says so in DumpStart, and is disabled for it as
// it should be. What it would have protected goes out in clear.
#include <ntddk.h>

#include <ntdddump.h>

static NTSTATUS SaysStart(PFILTER_EXTENSION FilterExtension) {
  UNREFERENCED_PARAMETER(FilterExtension);
  return STATUS_FVE_NOT_ENCRYPTED;
}

static NTSTATUS SaysWrite(PFILTER_EXTENSION FilterExtension, PLARGE_INTEGER DiskByteOffset, PMDL Mdl) {
  UNREFERENCED_PARAMETER(FilterExtension);
  UNREFERENCED_PARAMETER(DiskByteOffset);
  UNREFERENCED_PARAMETER(Mdl);
  return STATUS_SUCCESS;
}

NTSTATUS DriverEntry(PFILTER_EXTENSION FilterExtension, PFILTER_INITIALIZATION_DATA InitializationData) {
  UNREFERENCED_PARAMETER(FilterExtension);
  InitializationData->DumpStart = SaysStart;
  InitializationData->DumpWrite = SaysWrite;
  return STATUS_SUCCESS;
}
