// SPDX-License-Identifier: Apache-2.0
//
// Breaks pool.overrun where no guard page can see it: the terminating zero of a name falls into the bytes that
// alignment leaves between the block's end and its page's.
#include <ntddk.h>

#include <ntdddump.h>

static NTSTATUS BadWrite(PFILTER_EXTENSION FilterExtension, PLARGE_INTEGER DiskByteOffset, PMDL Mdl) {
  volatile UCHAR* Name = (volatile UCHAR*)FilterExtension->DumpData;
  UNREFERENCED_PARAMETER(DiskByteOffset);
  UNREFERENCED_PARAMETER(Mdl);
  for (ULONG i = 0; i < 500; ++i) Name[i] = 'x';
  Name[500] = 0;
  return STATUS_SUCCESS;
}

static NTSTATUS Unload(PFILTER_EXTENSION FilterExtension) {
  ExFreePoolWithTag(FilterExtension->DumpData, 'rOaB');
  return STATUS_SUCCESS;
}

NTSTATUS DriverEntry(PFILTER_EXTENSION FilterExtension, PFILTER_INITIALIZATION_DATA InitializationData) {
  UNREFERENCED_PARAMETER(FilterExtension);
  InitializationData->DumpData = ExAllocatePoolWithTag(NonPagedPoolNx, 500, 'rOaB');
  if (InitializationData->DumpData == NULL) return STATUS_INSUFFICIENT_RESOURCES;
  InitializationData->DumpWrite = BadWrite;
  InitializationData->DumpUnload = Unload;
  return STATUS_SUCCESS;
}
