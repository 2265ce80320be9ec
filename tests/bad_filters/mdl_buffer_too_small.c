// SPDX-License-Identifier: Apache-2.0
//
// Breaks mdl.buffer-too-small: its buffer has one page, whatever MaxPagesPerWrite says, and every longer write is
// described as though it were there.
#include <ntddk.h>

#include <ntdddump.h>

static PUCHAR Page;

static NTSTATUS BadWrite(PFILTER_EXTENSION FilterExtension, PLARGE_INTEGER DiskByteOffset, PMDL Mdl) {
  UNREFERENCED_PARAMETER(FilterExtension);
  UNREFERENCED_PARAMETER(DiskByteOffset);
  RtlCopyMemory(Page, (PUCHAR)PAGE_ALIGN(Mdl->MappedSystemVa) + MmGetMdlByteOffset(Mdl),
                MmGetMdlByteCount(Mdl) < PAGE_SIZE ? MmGetMdlByteCount(Mdl) : PAGE_SIZE);
  for (ULONG i = 0; i < BYTES_TO_PAGES(MmGetMdlByteCount(Mdl)); ++i) {
    MmGetMdlPfnArray(Mdl)[i] = (PFN_NUMBER)(MmGetPhysicalAddress(Page).QuadPart >> PAGE_SHIFT) + i;
  }
  Mdl->StartVa = Page;
  Mdl->MappedSystemVa = Page;
  Mdl->ByteOffset = 0;
  return STATUS_SUCCESS;
}

static NTSTATUS BadUnload(PFILTER_EXTENSION FilterExtension) {
  UNREFERENCED_PARAMETER(FilterExtension);
  ExFreePoolWithTag(Page, 'egaP');
  return STATUS_SUCCESS;
}

NTSTATUS DriverEntry(PFILTER_EXTENSION FilterExtension, PFILTER_INITIALIZATION_DATA InitializationData) {
  UNREFERENCED_PARAMETER(FilterExtension);
  Page = (PUCHAR)ExAllocatePoolWithTag(NonPagedPoolNx, PAGE_SIZE, 'egaP');
  if (Page == NULL) return STATUS_INSUFFICIENT_RESOURCES;
  InitializationData->DumpWrite = BadWrite;
  InitializationData->DumpUnload = BadUnload;
  return STATUS_SUCCESS;
}
