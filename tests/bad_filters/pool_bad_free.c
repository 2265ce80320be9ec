// SPDX-License-Identifier: Apache-2.0
//
// Breaks pool.bad-free: rounds its allocation up to a boundary it likes, keeps the rounded pointer and frees that.
#include <ntddk.h>

#include <ntdddump.h>

NTSTATUS DriverEntry(PFILTER_EXTENSION FilterExtension, PFILTER_INITIALIZATION_DATA InitializationData) {
  PUCHAR Context = (PUCHAR)ExAllocatePoolWithTag(NonPagedPoolNx, 512, 'daBD');
  UNREFERENCED_PARAMETER(FilterExtension);
  UNREFERENCED_PARAMETER(InitializationData);
  if (Context == NULL) return STATUS_INSUFFICIENT_RESOURCES;
  ExFreePoolWithTag(Context + 128, 'daBD');
  return STATUS_SUCCESS;
}
