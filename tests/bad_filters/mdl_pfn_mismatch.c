// SPDX-License-Identifier: Apache-2.0
//
// Breaks mdl.pfn-mismatch: points MappedSystemVa and StartVa at its buffer and forgets the page frames. A port that
// copies by address writes the ciphertext, one that moves data by DMA writes the memory itself.
#include "scratch.h"

static NTSTATUS BadWrite(PFILTER_EXTENSION FilterExtension, PLARGE_INTEGER DiskByteOffset, PMDL Mdl) {
  PSCRATCH Scratch = ScratchCopy(FilterExtension, Mdl);
  UNREFERENCED_PARAMETER(DiskByteOffset);
  for (ULONG i = 0; i < MmGetMdlByteCount(Mdl); ++i) Scratch->Bytes[i] ^= 0x5a;
  Mdl->StartVa = Scratch->Bytes;
  Mdl->MappedSystemVa = Scratch->Bytes;
  Mdl->ByteOffset = 0;
  return STATUS_SUCCESS;
}

NTSTATUS DriverEntry(PFILTER_EXTENSION FilterExtension, PFILTER_INITIALIZATION_DATA InitializationData) {
  UNREFERENCED_PARAMETER(FilterExtension);
  InitializationData->DumpWrite = BadWrite;
  InitializationData->DumpUnload = ScratchUnload;
  return ScratchPrepare(InitializationData);
}
