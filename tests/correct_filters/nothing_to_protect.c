// SPDX-License-Identifier: Apache-2.0
//
// In the manner of DiskCryptor [seen]: DumpStart says that the volume is not encrypted, and writes that come all the
// same pass as they are. Nothing is held, so there is no DumpUnload.
#include <ntddk.h>

#include <ntdddump.h>

static NTSTATUS OnStart(PFILTER_EXTENSION FilterExtension) {
  UNREFERENCED_PARAMETER(FilterExtension);
  return STATUS_FVE_NOT_ENCRYPTED;
}

static NTSTATUS OnWrite(PFILTER_EXTENSION FilterExtension, PLARGE_INTEGER DiskByteOffset, PMDL Mdl) {
  UNREFERENCED_PARAMETER(FilterExtension);
  UNREFERENCED_PARAMETER(DiskByteOffset);
  UNREFERENCED_PARAMETER(Mdl);
  return STATUS_SUCCESS;
}

NTSTATUS DriverEntry(PFILTER_EXTENSION FilterExtension, PFILTER_INITIALIZATION_DATA InitializationData) {
  UNREFERENCED_PARAMETER(FilterExtension);
  InitializationData->DumpStart = OnStart;
  InitializationData->DumpWrite = OnWrite;
  return STATUS_SUCCESS;
}
