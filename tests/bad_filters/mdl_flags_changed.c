// SPDX-License-Identifier: Apache-2.0
//
// Breaks mdl.flags-changed: takes its own MDL's flags along with its page frames. Its buffer is nonpaged pool, so the
// address is good, but miniports that test MDL_MAPPED_TO_SYSTEM_VA alone see an MDL that is not mapped.
#include "scratch.h"

static NTSTATUS BadWrite(PFILTER_EXTENSION FilterExtension, PLARGE_INTEGER DiskByteOffset, PMDL Mdl) {
  UNREFERENCED_PARAMETER(DiskByteOffset);
  ScratchRetarget(ScratchCopy(FilterExtension, Mdl), Mdl);
  Mdl->MdlFlags = MDL_SOURCE_IS_NONPAGED_POOL;
  return STATUS_SUCCESS;
}

NTSTATUS DriverEntry(PFILTER_EXTENSION FilterExtension, PFILTER_INITIALIZATION_DATA InitializationData) {
  UNREFERENCED_PARAMETER(FilterExtension);
  InitializationData->DumpWrite = BadWrite;
  InitializationData->DumpUnload = ScratchUnload;
  return ScratchPrepare(InitializationData);
}
