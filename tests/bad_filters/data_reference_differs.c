// SPDX-License-Identifier: Apache-2.0
//
// Breaks data.reference-differs: only watches, and leaves its mark in an unused byte of the dump's header. Nobody who
// reads the dump meets it, until somebody uses the byte.
#include "scratch.h"

#define UNUSED_BYTE 0x1ff0

static NTSTATUS BadWrite(PFILTER_EXTENSION FilterExtension, PLARGE_INTEGER DiskByteOffset, PMDL Mdl) {
  PSCRATCH Scratch = ScratchCopy(FilterExtension, Mdl);
  UNREFERENCED_PARAMETER(DiskByteOffset);
  if (MmGetMdlByteCount(Mdl) > UNUSED_BYTE && RtlCompareMemory(Scratch->Bytes, "PAGE", 4) == 4) {
    Scratch->Bytes[UNUSED_BYTE] = 'F';
  }
  ScratchRetarget(Scratch, Mdl);
  return STATUS_SUCCESS;
}

NTSTATUS DriverEntry(PFILTER_EXTENSION FilterExtension, PFILTER_INITIALIZATION_DATA InitializationData) {
  UNREFERENCED_PARAMETER(FilterExtension);
  InitializationData->DumpWrite = BadWrite;
  InitializationData->DumpUnload = ScratchUnload;
  return ScratchPrepare(InitializationData);
}
