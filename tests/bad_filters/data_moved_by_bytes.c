// SPDX-License-Identifier: Apache-2.0
//
// Breaks data.readable-sector where no sector shows it: puts a header of its own, of 100 bytes, in front of every write
// and believes that nobody can read what lies between the sectors' borders.
#include "scratch.h"

#define HEADER 100

static NTSTATUS BadWrite(PFILTER_EXTENSION FilterExtension, PLARGE_INTEGER DiskByteOffset, PMDL Mdl) {
  PSCRATCH Scratch = (PSCRATCH)FilterExtension->DumpData;
  UNREFERENCED_PARAMETER(DiskByteOffset);
  RtlFillMemory(Scratch->Bytes, HEADER, 0xee);
  RtlCopyMemory(Scratch->Bytes + HEADER, ScratchSource(Mdl), MmGetMdlByteCount(Mdl) - HEADER);
  ScratchRetarget(Scratch, Mdl);
  return STATUS_SUCCESS;
}

NTSTATUS DriverEntry(PFILTER_EXTENSION FilterExtension, PFILTER_INITIALIZATION_DATA InitializationData) {
  UNREFERENCED_PARAMETER(FilterExtension);
  InitializationData->DumpWrite = BadWrite;
  InitializationData->DumpUnload = ScratchUnload;
  return ScratchPrepare(InitializationData);
}
