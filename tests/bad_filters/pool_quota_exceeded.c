// SPDX-License-Identifier: Apache-2.0
//
// Breaks pool.quota-exceeded: takes as much memory as it can get, a cache of everything, and is content with what it
// got.
#include <ntddk.h>

#include <ntdddump.h>

static PVOID Blocks[4096];

static NTSTATUS Unload(PFILTER_EXTENSION FilterExtension) {
  UNREFERENCED_PARAMETER(FilterExtension);
  for (ULONG i = 0; i < RTL_NUMBER_OF(Blocks) && Blocks[i] != NULL; ++i) ExFreePoolWithTag(Blocks[i], 'uQaB');
  return STATUS_SUCCESS;
}

NTSTATUS DriverEntry(PFILTER_EXTENSION FilterExtension, PFILTER_INITIALIZATION_DATA InitializationData) {
  UNREFERENCED_PARAMETER(FilterExtension);
  for (ULONG i = 0; i < RTL_NUMBER_OF(Blocks); ++i) {
    Blocks[i] = ExAllocatePoolWithTag(NonPagedPoolNx, 64 * 1024, 'uQaB');
    if (Blocks[i] == NULL) break;
  }
  InitializationData->DumpUnload = Unload;
  return STATUS_SUCCESS;
}
