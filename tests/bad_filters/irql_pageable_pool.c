// SPDX-License-Identifier: Apache-2.0
//
// Breaks irql.pageable-pool: keeps what DumpWrite needs in paged pool.
#include <ntddk.h>

#include <ntdddump.h>

static NTSTATUS BadWrite(PFILTER_EXTENSION FilterExtension, PLARGE_INTEGER DiskByteOffset, PMDL Mdl) {
  ++*(volatile ULONG*)FilterExtension->DumpData;
  UNREFERENCED_PARAMETER(DiskByteOffset);
  UNREFERENCED_PARAMETER(Mdl);
  return STATUS_SUCCESS;
}

static NTSTATUS Unload(PFILTER_EXTENSION FilterExtension) {
  ExFreePoolWithTag(FilterExtension->DumpData, 'gPaB');
  return STATUS_SUCCESS;
}

NTSTATUS DriverEntry(PFILTER_EXTENSION FilterExtension, PFILTER_INITIALIZATION_DATA InitializationData) {
  PULONG Writes = (PULONG)ExAllocatePoolWithTag(PagedPool, sizeof(ULONG), 'gPaB');
  UNREFERENCED_PARAMETER(FilterExtension);
  if (Writes == NULL) return STATUS_INSUFFICIENT_RESOURCES;
  *Writes = 0;
  InitializationData->DumpData = Writes;
  InitializationData->DumpWrite = BadWrite;
  InitializationData->DumpUnload = Unload;
  return STATUS_SUCCESS;
}
