// SPDX-License-Identifier: Apache-2.0
//
// Breaks data.readable-sector: encrypts in blocks of a page and a half, and forgets what is left over at the end of the
// write. Nothing but a look at the disk shows it.
#include "scratch.h"

#define BLOCK (PAGE_SIZE + PAGE_SIZE / 2)

static NTSTATUS BadWrite(PFILTER_EXTENSION FilterExtension, PLARGE_INTEGER DiskByteOffset, PMDL Mdl) {
  PSCRATCH Scratch = ScratchCopy(FilterExtension, Mdl);
  ULONG Whole = MmGetMdlByteCount(Mdl) / BLOCK * BLOCK;
  UNREFERENCED_PARAMETER(DiskByteOffset);
  for (ULONG i = 0; i < Whole; ++i) Scratch->Bytes[i] ^= 0x5a;
  ScratchRetarget(Scratch, Mdl);
  return STATUS_SUCCESS;
}

NTSTATUS DriverEntry(PFILTER_EXTENSION FilterExtension, PFILTER_INITIALIZATION_DATA InitializationData) {
  UNREFERENCED_PARAMETER(FilterExtension);
  InitializationData->DumpWrite = BadWrite;
  InitializationData->DumpUnload = ScratchUnload;
  return ScratchPrepare(InitializationData);
}
