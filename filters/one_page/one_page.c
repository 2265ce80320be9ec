// SPDX-License-Identifier: Apache-2.0
//
// A filter with one bug, for the tutorial: it scrambles the first page of every write and copies the rest as it is. It
// was written on a machine whose dump came page by page, where it worked; MaxPagesPerWrite says that this is luck.
// Everything else in it is as it should be, which is why no check of the MDL finds anything: only a look at the disk
// does. Do not copy from it; filters/xor has the same shape without the bug.
#include <ntddk.h>

#include <ntdddump.h>

#define ONE_PAGE_TAG 'p1XD'
#define ONE_PAGE_MASK 0xa5

typedef struct _ONE_PAGE_CONTEXT {
  PUCHAR Scratch;
  PMDL ScratchMdl;
} ONE_PAGE_CONTEXT, *PONE_PAGE_CONTEXT;

static DUMP_WRITE OnePageWrite;
static DUMP_READ OnePageRead;
static DUMP_UNLOAD OnePageUnload;

static PUCHAR OnePageMdlBytes(_In_ PMDL Mdl) {
  return (PUCHAR)PAGE_ALIGN(Mdl->MappedSystemVa) + MmGetMdlByteOffset(Mdl);
}

// The bug: a write is more than a page.
static VOID OnePageScramble(_Inout_updates_bytes_(Length) PUCHAR Bytes, _In_ ULONG Length) {
  for (ULONG i = 0; i < Length && i < PAGE_SIZE; ++i) Bytes[i] ^= ONE_PAGE_MASK;
}

static NTSTATUS OnePageWrite(PFILTER_EXTENSION FilterExtension, PLARGE_INTEGER DiskByteOffset, PMDL Mdl) {
  PONE_PAGE_CONTEXT Context = (PONE_PAGE_CONTEXT)FilterExtension->DumpData;
  UNREFERENCED_PARAMETER(DiskByteOffset);
  RtlCopyMemory(Context->Scratch, OnePageMdlBytes(Mdl), MmGetMdlByteCount(Mdl));
  OnePageScramble(Context->Scratch, MmGetMdlByteCount(Mdl));
  RtlCopyMemory(MmGetMdlPfnArray(Mdl), MmGetMdlPfnArray(Context->ScratchMdl),
                BYTES_TO_PAGES(MmGetMdlByteCount(Mdl)) * sizeof(PFN_NUMBER));
  Mdl->StartVa = Context->Scratch;
  Mdl->MappedSystemVa = Context->Scratch;
  Mdl->ByteOffset = 0;
  return STATUS_SUCCESS;
}

static NTSTATUS OnePageRead(PFILTER_EXTENSION FilterExtension, PLARGE_INTEGER DiskByteOffset, PMDL Mdl) {
  UNREFERENCED_PARAMETER(FilterExtension);
  UNREFERENCED_PARAMETER(DiskByteOffset);
  OnePageScramble(OnePageMdlBytes(Mdl), MmGetMdlByteCount(Mdl));
  return STATUS_SUCCESS;
}

static VOID OnePageFreeContext(_In_ PONE_PAGE_CONTEXT Context) {
  if (Context->ScratchMdl != NULL) IoFreeMdl(Context->ScratchMdl);
  if (Context->Scratch != NULL) MmFreeContiguousMemory(Context->Scratch);
  ExFreePoolWithTag(Context, ONE_PAGE_TAG);
}

static NTSTATUS OnePageUnload(PFILTER_EXTENSION FilterExtension) {
  OnePageFreeContext((PONE_PAGE_CONTEXT)FilterExtension->DumpData);
  FilterExtension->DumpData = NULL;
  return STATUS_SUCCESS;
}

NTSTATUS DriverEntry(_In_ PFILTER_EXTENSION FilterExtension, _Inout_ PFILTER_INITIALIZATION_DATA InitializationData) {
  ULONG ScratchBytes = InitializationData->MaxPagesPerWrite * PAGE_SIZE;
  PHYSICAL_ADDRESS HighestAddress;
  PONE_PAGE_CONTEXT Context;
  UNREFERENCED_PARAMETER(FilterExtension);

  InitializationData->Flags |= DUMP_FILTER_CRITICAL;
  Context = (PONE_PAGE_CONTEXT)ExAllocatePoolWithTag(NonPagedPoolNx, sizeof(*Context), ONE_PAGE_TAG);
  if (Context == NULL) return STATUS_INSUFFICIENT_RESOURCES;
  RtlZeroMemory(Context, sizeof(*Context));
  HighestAddress.QuadPart = 0x7FFFFFFFFFF;
  Context->Scratch = (PUCHAR)MmAllocateContiguousMemory(ScratchBytes, HighestAddress);
  if (Context->Scratch != NULL) Context->ScratchMdl = IoAllocateMdl(Context->Scratch, ScratchBytes, FALSE, FALSE, NULL);
  if (Context->ScratchMdl == NULL) {
    OnePageFreeContext(Context);
    return STATUS_INSUFFICIENT_RESOURCES;
  }
  MmBuildMdlForNonPagedPool(Context->ScratchMdl);

  InitializationData->DumpData = Context;
  InitializationData->DumpWrite = OnePageWrite;
  InitializationData->DumpUnload = OnePageUnload;
  if (InitializationData->MajorVersion >= DUMP_FILTER_MAJOR_VERSION) {
    InitializationData->DumpRead = OnePageRead;
    InitializationData->Flags |= DUMP_FILTER_FLAG_SYSTEM_SUPPORT_READ;
  }
  return STATUS_SUCCESS;
}
