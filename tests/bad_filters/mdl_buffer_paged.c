// SPDX-License-Identifier: Apache-2.0
//
// Breaks mdl.buffer-paged: takes its buffer from paged pool, which is resident by luck alone when the machine crashes.
#include <ntddk.h>

#include <ntdddump.h>

static PUCHAR Bytes;
static PFN_NUMBER* Frames;  // as they were at PASSIVE_LEVEL

static NTSTATUS BadWrite(PFILTER_EXTENSION FilterExtension, PLARGE_INTEGER DiskByteOffset, PMDL Mdl) {
  ULONG Length = MmGetMdlByteCount(Mdl);
  UNREFERENCED_PARAMETER(FilterExtension);
  UNREFERENCED_PARAMETER(DiskByteOffset);
  for (ULONG i = 0; i < BYTES_TO_PAGES(Length); ++i) {
    MmGetMdlPfnArray(Mdl)[i] = Frames[i];
  }
  Mdl->StartVa = Bytes;
  Mdl->MappedSystemVa = Bytes;
  Mdl->ByteOffset = 0;
  return STATUS_SUCCESS;
}

static NTSTATUS BadUnload(PFILTER_EXTENSION FilterExtension) {
  UNREFERENCED_PARAMETER(FilterExtension);
  ExFreePoolWithTag(Frames, 'gPaB');
  ExFreePoolWithTag(Bytes, 'gPaB');
  return STATUS_SUCCESS;
}

NTSTATUS DriverEntry(PFILTER_EXTENSION FilterExtension, PFILTER_INITIALIZATION_DATA InitializationData) {
  UNREFERENCED_PARAMETER(FilterExtension);
  Bytes = (PUCHAR)ExAllocatePoolWithTag(PagedPool, (SIZE_T)InitializationData->MaxPagesPerWrite * PAGE_SIZE, 'gPaB');
  if (Bytes == NULL) return STATUS_INSUFFICIENT_RESOURCES;
  Frames = (PFN_NUMBER*)ExAllocatePoolWithTag(NonPagedPoolNx, InitializationData->MaxPagesPerWrite * sizeof(*Frames), 'gPaB');
  if (Frames == NULL) {
    ExFreePoolWithTag(Bytes, 'gPaB');
    return STATUS_INSUFFICIENT_RESOURCES;
  }
  for (ULONG i = 0; i < InitializationData->MaxPagesPerWrite; ++i) {
    Frames[i] = (PFN_NUMBER)(MmGetPhysicalAddress(Bytes + i * PAGE_SIZE).QuadPart >> PAGE_SHIFT);
  }
  InitializationData->DumpWrite = BadWrite;
  InitializationData->DumpUnload = BadUnload;
  return STATUS_SUCCESS;
}
