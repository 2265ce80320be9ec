// SPDX-License-Identifier: Apache-2.0
//
// Breaks pool.use-after-free: frees its context in DumpFinish, and counts in it when the dump log is written
// afterwards.
#include <ntddk.h>

#include <ntdddump.h>

static NTSTATUS BadWrite(PFILTER_EXTENSION FilterExtension, PLARGE_INTEGER DiskByteOffset, PMDL Mdl) {
  ++*(volatile ULONG*)FilterExtension->DumpData;
  UNREFERENCED_PARAMETER(DiskByteOffset);
  UNREFERENCED_PARAMETER(Mdl);
  return STATUS_SUCCESS;
}

static NTSTATUS BadFinish(PFILTER_EXTENSION FilterExtension) {
  ExFreePoolWithTag(FilterExtension->DumpData, 'fUaB');
  return STATUS_SUCCESS;
}

NTSTATUS DriverEntry(PFILTER_EXTENSION FilterExtension, PFILTER_INITIALIZATION_DATA InitializationData) {
  PULONG Writes = (PULONG)ExAllocatePoolWithTag(NonPagedPoolNx, sizeof(ULONG), 'fUaB');
  UNREFERENCED_PARAMETER(FilterExtension);
  if (Writes == NULL) return STATUS_INSUFFICIENT_RESOURCES;
  *Writes = 0;
  InitializationData->DumpData = Writes;
  InitializationData->DumpWrite = BadWrite;
  InitializationData->DumpFinish = BadFinish;
  return STATUS_SUCCESS;
}
