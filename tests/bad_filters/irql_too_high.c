// SPDX-License-Identifier: Apache-2.0
//
// Breaks irql.too-high, as filters in the field did for years: builds an MDL over its scratch buffer on every write,
// with a routine that is documented up to DISPATCH_LEVEL.
#include "scratch.h"

static NTSTATUS BadWrite(PFILTER_EXTENSION FilterExtension, PLARGE_INTEGER DiskByteOffset, PMDL Mdl) {
  PSCRATCH Scratch = ScratchCopy(FilterExtension, Mdl);
  UNREFERENCED_PARAMETER(DiskByteOffset);
  MmInitializeMdl(Scratch->Mdl, Scratch->Bytes, MmGetMdlByteCount(Mdl));
  MmBuildMdlForNonPagedPool(Scratch->Mdl);
  ScratchRetarget(Scratch, Mdl);
  return STATUS_SUCCESS;
}

NTSTATUS DriverEntry(PFILTER_EXTENSION FilterExtension, PFILTER_INITIALIZATION_DATA InitializationData) {
  UNREFERENCED_PARAMETER(FilterExtension);
  InitializationData->DumpWrite = BadWrite;
  InitializationData->DumpUnload = ScratchUnload;
  return ScratchPrepare(InitializationData);
}
