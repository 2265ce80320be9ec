// SPDX-License-Identifier: Apache-2.0
//
// Breaks pool.overrun: writes the byte behind its context as well, as a loop does that counts to the size.
#include <ntddk.h>

#include <ntdddump.h>

NTSTATUS DriverEntry(PFILTER_EXTENSION FilterExtension, PFILTER_INITIALIZATION_DATA InitializationData) {
  volatile UCHAR* Context = (volatile UCHAR*)ExAllocatePoolWithTag(NonPagedPoolNx, 512, 'rOaB');
  UNREFERENCED_PARAMETER(FilterExtension);
  UNREFERENCED_PARAMETER(InitializationData);
  if (Context == NULL) return STATUS_INSUFFICIENT_RESOURCES;
  for (ULONG i = 0; i <= 512; ++i) Context[i] = 0;
  ExFreePoolWithTag((PVOID)Context, 'rOaB');
  return STATUS_SUCCESS;
}
