// SPDX-License-Identifier: Apache-2.0
//
// Breaks mdl.size-changed: believes that the last sector of a write is padding and leaves it out. The port transfers
// what the MDL says, and the dump has holes.
#include "scratch.h"

static NTSTATUS BadWrite(PFILTER_EXTENSION FilterExtension, PLARGE_INTEGER DiskByteOffset, PMDL Mdl) {
  UNREFERENCED_PARAMETER(DiskByteOffset);
  ScratchRetarget(ScratchCopy(FilterExtension, Mdl), Mdl);
  if (Mdl->ByteCount > PAGE_SIZE) Mdl->ByteCount -= PAGE_SIZE;
  return STATUS_SUCCESS;
}

NTSTATUS DriverEntry(PFILTER_EXTENSION FilterExtension, PFILTER_INITIALIZATION_DATA InitializationData) {
  UNREFERENCED_PARAMETER(FilterExtension);
  InitializationData->DumpWrite = BadWrite;
  InitializationData->DumpUnload = ScratchUnload;
  return ScratchPrepare(InitializationData);
}
