// SPDX-License-Identifier: Apache-2.0
//
// Takes its key from the time at which it is loaded, which is no key: but every boot of the simulated machine is at the
// same moment, so that whatever reads the dump back at the next boot has it again. Shows a reading that does not begin
// with a boot.
#include "scratch.h"

static UCHAR Key;

static VOID Transform(PUCHAR Bytes, ULONG Length) {
  for (ULONG i = 0; i < Length; ++i) Bytes[i] ^= Key;
}

static NTSTATUS GoodWrite(PFILTER_EXTENSION FilterExtension, PLARGE_INTEGER DiskByteOffset, PMDL Mdl) {
  PSCRATCH Scratch = ScratchCopy(FilterExtension, Mdl);
  UNREFERENCED_PARAMETER(DiskByteOffset);
  Transform(Scratch->Bytes, MmGetMdlByteCount(Mdl));
  ScratchRetarget(Scratch, Mdl);
  return STATUS_SUCCESS;
}

static NTSTATUS GoodRead(PFILTER_EXTENSION FilterExtension, PLARGE_INTEGER DiskByteOffset, PMDL Mdl) {
  UNREFERENCED_PARAMETER(FilterExtension);
  UNREFERENCED_PARAMETER(DiskByteOffset);
  Transform(ScratchSource(Mdl), MmGetMdlByteCount(Mdl));
  return STATUS_SUCCESS;
}

NTSTATUS DriverEntry(PFILTER_EXTENSION FilterExtension, PFILTER_INITIALIZATION_DATA InitializationData) {
  LARGE_INTEGER Now;
  ULONGLONG Mixed;
  UNREFERENCED_PARAMETER(FilterExtension);
  KeQuerySystemTimePrecise(&Now);
  Mixed = (ULONGLONG)Now.QuadPart * 0x9E3779B97F4A7C15ULL;
  Key = (UCHAR)(Mixed >> 56 | 1);
  InitializationData->DumpWrite = GoodWrite;
  InitializationData->DumpRead = GoodRead;
  InitializationData->DumpUnload = ScratchUnload;
  InitializationData->Flags |= DUMP_FILTER_FLAG_SYSTEM_SUPPORT_READ;
  return ScratchPrepare(InitializationData);
}
