// SPDX-License-Identifier: Apache-2.0
//
// Writes as it should and dies in the DumpRead of an instance that has written nothing, at the next boot: whoever reads
// the dump back through this filter gets nothing, and has to say why.
#include "scratch.h"

static ULONG Writes;

static NTSTATUS GoodWrite(PFILTER_EXTENSION FilterExtension, PLARGE_INTEGER DiskByteOffset, PMDL Mdl) {
  UNREFERENCED_PARAMETER(DiskByteOffset);
  ++Writes;
  ScratchRetarget(ScratchCopy(FilterExtension, Mdl), Mdl);
  return STATUS_SUCCESS;
}

static NTSTATUS BadRead(PFILTER_EXTENSION FilterExtension, PLARGE_INTEGER DiskByteOffset, PMDL Mdl) {
  volatile ULONG* Nowhere = NULL;
  UNREFERENCED_PARAMETER(FilterExtension);
  UNREFERENCED_PARAMETER(DiskByteOffset);
  UNREFERENCED_PARAMETER(Mdl);
  if (Writes == 0) *Nowhere = 1;
  return STATUS_SUCCESS;
}

NTSTATUS DriverEntry(PFILTER_EXTENSION FilterExtension, PFILTER_INITIALIZATION_DATA InitializationData) {
  UNREFERENCED_PARAMETER(FilterExtension);
  InitializationData->DumpWrite = GoodWrite;
  InitializationData->DumpRead = BadRead;
  InitializationData->DumpUnload = ScratchUnload;
  InitializationData->Flags |= DUMP_FILTER_FLAG_SYSTEM_SUPPORT_READ;
  return ScratchPrepare(InitializationData);
}
