// SPDX-License-Identifier: Apache-2.0
//
// Breaks mdl.buffer-unaligned: uses a scratch buffer behind a header of 64 bytes, and sets ByteOffset to 0 all the
// same. A port that copies by address writes the data, one that goes by page frames begins 64 bytes before it.
#include "scratch.h"

#define HEADER_BYTES 64

static NTSTATUS BadWrite(PFILTER_EXTENSION FilterExtension, PLARGE_INTEGER DiskByteOffset, PMDL Mdl) {
  PSCRATCH Scratch = (PSCRATCH)FilterExtension->DumpData;
  SIZE_T Room = PAGE_SIZE * 16 - HEADER_BYTES;
  ULONG Length = MmGetMdlByteCount(Mdl);
  UNREFERENCED_PARAMETER(DiskByteOffset);
  RtlCopyMemory(Scratch->Bytes + HEADER_BYTES, ScratchSource(Mdl), Length < Room ? Length : Room);
  ScratchRetarget(Scratch, Mdl);
  Mdl->MappedSystemVa = Scratch->Bytes + HEADER_BYTES;
  return STATUS_SUCCESS;
}

NTSTATUS DriverEntry(PFILTER_EXTENSION FilterExtension, PFILTER_INITIALIZATION_DATA InitializationData) {
  UNREFERENCED_PARAMETER(FilterExtension);
  InitializationData->DumpWrite = BadWrite;
  InitializationData->DumpUnload = ScratchUnload;
  return ScratchPrepare(InitializationData);
}
