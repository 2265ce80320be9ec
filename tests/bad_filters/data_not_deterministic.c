// SPDX-License-Identifier: Apache-2.0
//
// Breaks data.not-deterministic: takes the processor's counter for a serial number, and leaves it in unused bytes of
// the dump's header.
#include "scratch.h"

#define UNUSED_BYTES 0x1ff0

static NTSTATUS BadWrite(PFILTER_EXTENSION FilterExtension, PLARGE_INTEGER DiskByteOffset, PMDL Mdl) {
  PSCRATCH Scratch = ScratchCopy(FilterExtension, Mdl);
  ULONGLONG Serial = __builtin_ia32_rdtsc();
  UNREFERENCED_PARAMETER(DiskByteOffset);
  if (MmGetMdlByteCount(Mdl) > UNUSED_BYTES && RtlCompareMemory(Scratch->Bytes, "PAGE", 4) == 4) {
    RtlCopyMemory(Scratch->Bytes + UNUSED_BYTES, &Serial, sizeof(Serial));
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
