// SPDX-License-Identifier: Apache-2.0
//
// Breaks data.readable-sector for a while: makes its key ready in the first write and encrypts from the second one on.
// When the first sectors are written again nothing of it is left to be seen.
#include "scratch.h"

static NTSTATUS BadWrite(PFILTER_EXTENSION FilterExtension, PLARGE_INTEGER DiskByteOffset, PMDL Mdl) {
  static BOOLEAN Ready = FALSE;
  PSCRATCH Scratch = ScratchCopy(FilterExtension, Mdl);
  UNREFERENCED_PARAMETER(DiskByteOffset);
  for (ULONG i = 0; Ready && i < MmGetMdlByteCount(Mdl); ++i) Scratch->Bytes[i] ^= 0x5a;
  Ready = TRUE;
  ScratchRetarget(Scratch, Mdl);
  return STATUS_SUCCESS;
}

NTSTATUS DriverEntry(PFILTER_EXTENSION FilterExtension, PFILTER_INITIALIZATION_DATA InitializationData) {
  UNREFERENCED_PARAMETER(FilterExtension);
  InitializationData->DumpWrite = BadWrite;
  InitializationData->DumpUnload = ScratchUnload;
  return ScratchPrepare(InitializationData);
}
