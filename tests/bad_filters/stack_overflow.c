// SPDX-License-Identifier: Apache-2.0
//
// Breaks stack.overflow: uses more stack than a kernel thread has, also one that a sanitized host made larger: a table
// of 512 KiB as a local variable, every page of it touched from the top down.
#include <ntddk.h>

#include <ntdddump.h>

static NTSTATUS BadWrite(PFILTER_EXTENSION FilterExtension, PLARGE_INTEGER DiskByteOffset, PMDL Mdl) {
  volatile UCHAR Table[512 * 1024];
  UNREFERENCED_PARAMETER(FilterExtension);
  UNREFERENCED_PARAMETER(DiskByteOffset);
  for (ULONG i = sizeof(Table); i != 0; i -= 512) Table[i - 512] = (UCHAR)MmGetMdlByteCount(Mdl);
  return Table[0] == 1 ? STATUS_UNSUCCESSFUL : STATUS_SUCCESS;
}

NTSTATUS DriverEntry(PFILTER_EXTENSION FilterExtension, PFILTER_INITIALIZATION_DATA InitializationData) {
  UNREFERENCED_PARAMETER(FilterExtension);
  InitializationData->DumpWrite = BadWrite;
  return STATUS_SUCCESS;
}
