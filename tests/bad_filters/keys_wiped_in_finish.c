// SPDX-License-Identifier: Apache-2.0
//
// Forgets its key in DumpFinish, as it believes the dump to be over, and stops the machine when the dump stack's log
// is written through it afterwards.
#include "scratch.h"

static ULONG Key = 0x5a;

static NTSTATUS BadWrite(PFILTER_EXTENSION FilterExtension, PLARGE_INTEGER DiskByteOffset, PMDL Mdl) {
  UNREFERENCED_PARAMETER(DiskByteOffset);
  if (Key == 0) KeBugCheckEx(0x0000BAD2, 0, 0, 0, 0);
  ScratchRetarget(ScratchCopy(FilterExtension, Mdl), Mdl);
  return STATUS_SUCCESS;
}

static NTSTATUS BadFinish(PFILTER_EXTENSION FilterExtension) {
  UNREFERENCED_PARAMETER(FilterExtension);
  Key = 0;
  return STATUS_SUCCESS;
}

NTSTATUS DriverEntry(PFILTER_EXTENSION FilterExtension, PFILTER_INITIALIZATION_DATA InitializationData) {
  UNREFERENCED_PARAMETER(FilterExtension);
  InitializationData->DumpWrite = BadWrite;
  InitializationData->DumpFinish = BadFinish;
  InitializationData->DumpUnload = ScratchUnload;
  return ScratchPrepare(InitializationData);
}
