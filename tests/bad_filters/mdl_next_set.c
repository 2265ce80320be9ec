// SPDX-License-Identifier: Apache-2.0
//
// Breaks mdl.next-set: chains its own MDL behind the one it was given, as a network driver would, and leaves the data
// where it was. The rest of the chain never reaches the disk.
#include "scratch.h"

static NTSTATUS BadWrite(PFILTER_EXTENSION FilterExtension, PLARGE_INTEGER DiskByteOffset, PMDL Mdl) {
  PSCRATCH Scratch = ScratchCopy(FilterExtension, Mdl);
  UNREFERENCED_PARAMETER(DiskByteOffset);
  Mdl->Next = Scratch->Mdl;
  return STATUS_SUCCESS;
}

NTSTATUS DriverEntry(PFILTER_EXTENSION FilterExtension, PFILTER_INITIALIZATION_DATA InitializationData) {
  UNREFERENCED_PARAMETER(FilterExtension);
  InitializationData->DumpWrite = BadWrite;
  InitializationData->DumpUnload = ScratchUnload;
  return ScratchPrepare(InitializationData);
}
