// SPDX-License-Identifier: Apache-2.0
//
// Breaks lifecycle.write-after-finish-without-keys: forgets its key in DumpFinish, as it believes the dump to be over,
// and lets through as it is whatever is written afterwards.
#include "scratch.h"

static UCHAR Key = 0x5a;

static NTSTATUS BadWrite(PFILTER_EXTENSION FilterExtension, PLARGE_INTEGER DiskByteOffset, PMDL Mdl) {
  PSCRATCH Scratch;
  UNREFERENCED_PARAMETER(DiskByteOffset);
  if (Key == 0) return STATUS_SUCCESS;
  Scratch = ScratchCopy(FilterExtension, Mdl);
  for (ULONG i = 0; i < MmGetMdlByteCount(Mdl); ++i) Scratch->Bytes[i] ^= Key;
  ScratchRetarget(Scratch, Mdl);
  return STATUS_SUCCESS;
}

static NTSTATUS BadFinish(PFILTER_EXTENSION FilterExtension) {
  UNREFERENCED_PARAMETER(FilterExtension);
  Key = 0;
  return STATUS_SUCCESS;
}

NTSTATUS DriverEntry(PFILTER_EXTENSION FilterExtension, PFILTER_INITIALIZATION_DATA InitializationData) {
  UNREFERENCED_PARAMETER(FilterExtension);
  InitializationData->DumpWrite = BadWrite;
  InitializationData->DumpFinish = BadFinish;
  InitializationData->DumpUnload = ScratchUnload;
  return ScratchPrepare(InitializationData);
}
