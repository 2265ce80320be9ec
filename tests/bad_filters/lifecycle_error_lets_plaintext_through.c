// SPDX-License-Identifier: Apache-2.0
//
// Breaks lifecycle.error-lets-plaintext-through: returns an error for a write it does not like and believes that this
// stops it. The write goes to the disk as it is, the filter is disabled, and so does the rest of memory.
#include "scratch.h"

static ULONG Writes;

static NTSTATUS BadWrite(PFILTER_EXTENSION FilterExtension, PLARGE_INTEGER DiskByteOffset, PMDL Mdl) {
  PSCRATCH Scratch;
  UNREFERENCED_PARAMETER(DiskByteOffset);
  if (++Writes > 4) return STATUS_UNSUCCESSFUL;
  Scratch = ScratchCopy(FilterExtension, Mdl);
  ScratchRetarget(Scratch, Mdl);
  return STATUS_SUCCESS;
}

NTSTATUS DriverEntry(PFILTER_EXTENSION FilterExtension, PFILTER_INITIALIZATION_DATA InitializationData) {
  UNREFERENCED_PARAMETER(FilterExtension);
  InitializationData->DumpWrite = BadWrite;
  InitializationData->DumpUnload = ScratchUnload;
  return ScratchPrepare(InitializationData);
}
