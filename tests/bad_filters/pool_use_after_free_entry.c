// SPDX-License-Identifier: Apache-2.0
//
// Breaks pool.use-after-free below DISPATCH_LEVEL: looks at what it has just given back.
#include <ntddk.h>

#include <ntdddump.h>

NTSTATUS DriverEntry(PFILTER_EXTENSION FilterExtension, PFILTER_INITIALIZATION_DATA InitializationData) {
  volatile ULONG* Context = (volatile ULONG*)ExAllocatePoolWithTag(NonPagedPoolNx, 64, 'fUaB');
  UNREFERENCED_PARAMETER(FilterExtension);
  UNREFERENCED_PARAMETER(InitializationData);
  if (Context == NULL) return STATUS_INSUFFICIENT_RESOURCES;
  *Context = 1;
  ExFreePoolWithTag((PVOID)Context, 'fUaB');
  return *Context == 1 ? STATUS_SUCCESS : STATUS_UNSUCCESSFUL;
}
