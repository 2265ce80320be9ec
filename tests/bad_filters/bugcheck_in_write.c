// SPDX-License-Identifier: Apache-2.0
//
// Stops the machine on its third write, on purpose. Not a mistake by itself: it is what filters do when they must not
// let anything pass, and the dump ends there.
#include <ntddk.h>

#include <ntdddump.h>

static ULONG Writes;

static NTSTATUS BadWrite(PFILTER_EXTENSION FilterExtension, PLARGE_INTEGER DiskByteOffset, PMDL Mdl) {
  UNREFERENCED_PARAMETER(FilterExtension);
  UNREFERENCED_PARAMETER(DiskByteOffset);
  UNREFERENCED_PARAMETER(Mdl);

  if (++Writes == 3) KeBugCheckEx(0x0000BAD1, 1, 2, 3, 4);
  return STATUS_SUCCESS;
}

NTSTATUS DriverEntry(PFILTER_EXTENSION FilterExtension, PFILTER_INITIALIZATION_DATA InitializationData) {
  UNREFERENCED_PARAMETER(FilterExtension);
  InitializationData->DumpWrite = BadWrite;
  return STATUS_SUCCESS;
}
