// SPDX-License-Identifier: Apache-2.0
//
// Breaks read.mdl-changed: answers a read the way it answers a write, with a buffer of its own. The caller looks for
// the data in the pages it named, and nobody has put any there.
#include "scratch.h"

static NTSTATUS BadRead(PFILTER_EXTENSION FilterExtension, PLARGE_INTEGER DiskByteOffset, PMDL Mdl) {
  UNREFERENCED_PARAMETER(DiskByteOffset);
  ScratchRetarget(ScratchCopy(FilterExtension, Mdl), Mdl);
  return STATUS_SUCCESS;
}

NTSTATUS DriverEntry(PFILTER_EXTENSION FilterExtension, PFILTER_INITIALIZATION_DATA InitializationData) {
  UNREFERENCED_PARAMETER(FilterExtension);
  InitializationData->DumpRead = BadRead;
  InitializationData->DumpUnload = ScratchUnload;
  InitializationData->Flags |= DUMP_FILTER_FLAG_SYSTEM_SUPPORT_READ;
  return ScratchPrepare(InitializationData);
}
