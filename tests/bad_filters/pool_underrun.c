// SPDX-License-Identifier: Apache-2.0
//
// Breaks pool.underrun: clears the last element of a list that is empty.
#include <ntddk.h>

#include <ntdddump.h>

static NTSTATUS BadWrite(PFILTER_EXTENSION FilterExtension, PLARGE_INTEGER DiskByteOffset, PMDL Mdl) {
  volatile LONG* Ring = (volatile LONG*)FilterExtension->DumpData;
  UNREFERENCED_PARAMETER(DiskByteOffset);
  UNREFERENCED_PARAMETER(Mdl);
  Ring[Ring[0] - 1] = 0;
  return STATUS_SUCCESS;
}

static NTSTATUS Unload(PFILTER_EXTENSION FilterExtension) {
  ExFreePoolWithTag(FilterExtension->DumpData, 'rOaB');
  return STATUS_SUCCESS;
}

NTSTATUS DriverEntry(PFILTER_EXTENSION FilterExtension, PFILTER_INITIALIZATION_DATA InitializationData) {
  PLONG Ring = (PLONG)ExAllocatePoolWithTag(NonPagedPoolNx, 256, 'rOaB');
  UNREFERENCED_PARAMETER(FilterExtension);
  if (Ring == NULL) return STATUS_INSUFFICIENT_RESOURCES;
  RtlZeroMemory(Ring, 256);
  InitializationData->DumpData = Ring;
  InitializationData->DumpWrite = BadWrite;
  InitializationData->DumpUnload = Unload;
  return STATUS_SUCCESS;
}
