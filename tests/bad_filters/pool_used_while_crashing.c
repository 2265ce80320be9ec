// SPDX-License-Identifier: Apache-2.0
//
// Breaks pool.used-while-crashing: allocates a note for each write and frees it, in a machine whose pool may be what
// crashed.
#include <ntddk.h>

#include <ntdddump.h>

static NTSTATUS BadWrite(PFILTER_EXTENSION FilterExtension, PLARGE_INTEGER DiskByteOffset, PMDL Mdl) {
  PVOID Note = ExAllocatePoolWithTag(NonPagedPoolNx, 64, 'cWaB');
  UNREFERENCED_PARAMETER(FilterExtension);
  UNREFERENCED_PARAMETER(DiskByteOffset);
  if (Note == NULL) return STATUS_INSUFFICIENT_RESOURCES;
  *(PULONG)Note = MmGetMdlByteCount(Mdl);
  ExFreePoolWithTag(Note, 'cWaB');
  return STATUS_SUCCESS;
}

NTSTATUS DriverEntry(PFILTER_EXTENSION FilterExtension, PFILTER_INITIALIZATION_DATA InitializationData) {
  UNREFERENCED_PARAMETER(FilterExtension);
  InitializationData->DumpWrite = BadWrite;
  return STATUS_SUCCESS;
}
