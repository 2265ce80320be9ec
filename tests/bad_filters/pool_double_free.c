// SPDX-License-Identifier: Apache-2.0
//
// Breaks pool.double-free: frees its context on the way out of a failed initialisation, and once more in the common
// clean-up.
#include <ntddk.h>

#include <ntdddump.h>

NTSTATUS DriverEntry(PFILTER_EXTENSION FilterExtension, PFILTER_INITIALIZATION_DATA InitializationData) {
  PVOID Context = ExAllocatePoolWithTag(NonPagedPoolNx, 256, 'daBD');
  UNREFERENCED_PARAMETER(FilterExtension);
  UNREFERENCED_PARAMETER(InitializationData);
  if (Context == NULL) return STATUS_INSUFFICIENT_RESOURCES;
  ExFreePoolWithTag(Context, 'daBD');
  ExFreePoolWithTag(Context, 'daBD');
  return STATUS_SUCCESS;
}
