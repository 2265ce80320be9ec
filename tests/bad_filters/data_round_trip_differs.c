// SPDX-License-Identifier: Apache-2.0
//
// Breaks data.round-trip-differs: takes one tweak a page, and counts pages from the start of the transfer. All writes
// of a dump begin at a page, and so do those who read it as it was written; a read that begins at a sector inside of
// one gets the tweaks of the wrong pages.
#include "scratch.h"

static VOID Transform(PUCHAR Bytes, ULONG Length, ULONGLONG Offset) {
  for (ULONG i = 0; i < Length; ++i) Bytes[i] ^= (UCHAR)(0x80 | (Offset / PAGE_SIZE + i / PAGE_SIZE));
}

static NTSTATUS BadWrite(PFILTER_EXTENSION FilterExtension, PLARGE_INTEGER DiskByteOffset, PMDL Mdl) {
  PSCRATCH Scratch = ScratchCopy(FilterExtension, Mdl);
  Transform(Scratch->Bytes, MmGetMdlByteCount(Mdl), (ULONGLONG)DiskByteOffset->QuadPart);
  ScratchRetarget(Scratch, Mdl);
  return STATUS_SUCCESS;
}

static NTSTATUS BadRead(PFILTER_EXTENSION FilterExtension, PLARGE_INTEGER DiskByteOffset, PMDL Mdl) {
  UNREFERENCED_PARAMETER(FilterExtension);
  Transform(ScratchSource(Mdl), MmGetMdlByteCount(Mdl), (ULONGLONG)DiskByteOffset->QuadPart);
  return STATUS_SUCCESS;
}

NTSTATUS DriverEntry(PFILTER_EXTENSION FilterExtension, PFILTER_INITIALIZATION_DATA InitializationData) {
  UNREFERENCED_PARAMETER(FilterExtension);
  InitializationData->DumpWrite = BadWrite;
  InitializationData->DumpRead = BadRead;
  InitializationData->DumpUnload = ScratchUnload;
  InitializationData->Flags |= DUMP_FILTER_FLAG_SYSTEM_SUPPORT_READ;
  return ScratchPrepare(InitializationData);
}
