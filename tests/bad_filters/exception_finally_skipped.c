// SPDX-License-Identifier: Apache-2.0
//
// Returns out of a __try whose __finally gives back what was taken. Microsoft's compiler runs the block all the same;
// this way of building cannot.
#include <ntddk.h>

#include <ntdddump.h>

static ULONG Held;

static NTSTATUS BadWrite(PFILTER_EXTENSION FilterExtension, PLARGE_INTEGER DiskByteOffset, PMDL Mdl) {
  UNREFERENCED_PARAMETER(FilterExtension);
  UNREFERENCED_PARAMETER(DiskByteOffset);
  Held += 1;
  __try {
    if (MmGetMdlByteCount(Mdl) != 0) return STATUS_SUCCESS;
  } __finally {
    Held -= 1;
  }
  return STATUS_SUCCESS;
}

NTSTATUS DriverEntry(PFILTER_EXTENSION FilterExtension, PFILTER_INITIALIZATION_DATA InitializationData) {
  UNREFERENCED_PARAMETER(FilterExtension);
  InitializationData->DumpWrite = BadWrite;
  return STATUS_SUCCESS;
}
