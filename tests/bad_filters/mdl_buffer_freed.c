// SPDX-License-Identifier: Apache-2.0
//
// Breaks mdl.buffer-freed: allocates a buffer for each write and frees it before it returns, though the port reads it
// only then.
#include <ntddk.h>

#include <ntdddump.h>

static NTSTATUS BadWrite(PFILTER_EXTENSION FilterExtension, PLARGE_INTEGER DiskByteOffset, PMDL Mdl) {
  ULONG Length = MmGetMdlByteCount(Mdl);
  PUCHAR Bytes = (PUCHAR)ExAllocatePoolWithTag(NonPagedPoolNx, ROUND_TO_PAGES(Length), 'rFaB');
  UNREFERENCED_PARAMETER(FilterExtension);
  UNREFERENCED_PARAMETER(DiskByteOffset);
  if (Bytes == NULL) return STATUS_INSUFFICIENT_RESOURCES;
  RtlCopyMemory(Bytes, (PUCHAR)PAGE_ALIGN(Mdl->MappedSystemVa) + MmGetMdlByteOffset(Mdl), Length);
  for (ULONG i = 0; i < BYTES_TO_PAGES(Length); ++i) {
    MmGetMdlPfnArray(Mdl)[i] = (PFN_NUMBER)(MmGetPhysicalAddress(Bytes + i * PAGE_SIZE).QuadPart >> PAGE_SHIFT);
  }
  Mdl->StartVa = Bytes;
  Mdl->MappedSystemVa = Bytes;
  Mdl->ByteOffset = 0;
  ExFreePoolWithTag(Bytes, 'rFaB');
  return STATUS_SUCCESS;
}

NTSTATUS DriverEntry(PFILTER_EXTENSION FilterExtension, PFILTER_INITIALIZATION_DATA InitializationData) {
  UNREFERENCED_PARAMETER(FilterExtension);
  InitializationData->DumpWrite = BadWrite;
  return STATUS_SUCCESS;
}
