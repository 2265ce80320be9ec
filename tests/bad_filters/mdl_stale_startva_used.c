// SPDX-License-Identifier: Apache-2.0
//
// Breaks mdl.stale-startva-used: takes the bytes of a write from StartVa and ByteOffset (MmGetMdlVirtualAddress),
// which are an address for nonpaged pool only. The hibernation stack of Windows 11 25H2 lends MDLs whose StartVa is
// none.
#include "scratch.h"

static NTSTATUS BadWrite(PFILTER_EXTENSION FilterExtension, PLARGE_INTEGER DiskByteOffset, PMDL Mdl) {
  PSCRATCH Scratch = (PSCRATCH)FilterExtension->DumpData;
  UNREFERENCED_PARAMETER(DiskByteOffset);
  RtlCopyMemory(Scratch->Bytes, MmGetMdlVirtualAddress(Mdl), MmGetMdlByteCount(Mdl));
  ScratchRetarget(Scratch, Mdl);
  return STATUS_SUCCESS;
}

NTSTATUS DriverEntry(PFILTER_EXTENSION FilterExtension, PFILTER_INITIALIZATION_DATA InitializationData) {
  UNREFERENCED_PARAMETER(FilterExtension);
  InitializationData->DumpWrite = BadWrite;
  InitializationData->DumpUnload = ScratchUnload;
  return ScratchPrepare(InitializationData);
}
