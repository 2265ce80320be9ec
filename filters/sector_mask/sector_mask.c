// SPDX-License-Identifier: Apache-2.0
//
// A filter with one bug, for the tutorial: it masks every sector with a value made from the sector's number, and takes
// only the number's low byte. One sector in 256 is masked with zero and lies on the disk as it is. Everything else is
// as it should be, the dump is recovered to the last byte, no rule about MDLs is broken: only a look at the disk finds
// it. Do not copy from it; filters/xor has the same shape without the bug.
#include <ntddk.h>

#include <ntdddump.h>

#define SECTOR_MASK_TAG 'mSXD'
#define SECTOR_MASK_SECTOR 512

typedef struct _SECTOR_MASK_CONTEXT {
  PUCHAR Scratch;
  PMDL ScratchMdl;
} SECTOR_MASK_CONTEXT, *PSECTOR_MASK_CONTEXT;

static DUMP_WRITE SectorMaskWrite;
static DUMP_READ SectorMaskRead;
static DUMP_UNLOAD SectorMaskUnload;

static PUCHAR SectorMaskMdlBytes(_In_ PMDL Mdl) {
  // Nothing can be mapped at this IRQL, and writing what has not been masked is worse than no dump.
  if ((Mdl->MdlFlags & (MDL_MAPPED_TO_SYSTEM_VA | MDL_SOURCE_IS_NONPAGED_POOL)) == 0) KeBugCheckEx(0xE0F5, 0, 0, 0, 0);
  return (PUCHAR)PAGE_ALIGN(Mdl->MappedSystemVa) + MmGetMdlByteOffset(Mdl);
}

// The bug is the cast: sector 0x1a00 gets the mask 0.
static VOID SectorMaskApply(_In_ LONGLONG PartitionOffset, _Inout_updates_bytes_(Length) PUCHAR Bytes,
                            _In_ ULONG Length) {
  for (ULONG i = 0; i < Length; ++i) {
    Bytes[i] ^= (UCHAR)((PartitionOffset + i) / SECTOR_MASK_SECTOR);
  }
}

static NTSTATUS SectorMaskWrite(PFILTER_EXTENSION FilterExtension, PLARGE_INTEGER DiskByteOffset, PMDL Mdl) {
  PSECTOR_MASK_CONTEXT Context = (PSECTOR_MASK_CONTEXT)FilterExtension->DumpData;
  RtlCopyMemory(Context->Scratch, SectorMaskMdlBytes(Mdl), MmGetMdlByteCount(Mdl));
  SectorMaskApply(DiskByteOffset->QuadPart, Context->Scratch, MmGetMdlByteCount(Mdl));
  RtlCopyMemory(MmGetMdlPfnArray(Mdl), MmGetMdlPfnArray(Context->ScratchMdl),
                BYTES_TO_PAGES(MmGetMdlByteCount(Mdl)) * sizeof(PFN_NUMBER));
  Mdl->StartVa = Context->Scratch;
  Mdl->MappedSystemVa = Context->Scratch;
  Mdl->ByteOffset = 0;
  return STATUS_SUCCESS;
}

static NTSTATUS SectorMaskRead(PFILTER_EXTENSION FilterExtension, PLARGE_INTEGER DiskByteOffset, PMDL Mdl) {
  UNREFERENCED_PARAMETER(FilterExtension);
  SectorMaskApply(DiskByteOffset->QuadPart, SectorMaskMdlBytes(Mdl), MmGetMdlByteCount(Mdl));
  return STATUS_SUCCESS;
}

static VOID SectorMaskFreeContext(_In_ PSECTOR_MASK_CONTEXT Context) {
  if (Context->ScratchMdl != NULL) IoFreeMdl(Context->ScratchMdl);
  if (Context->Scratch != NULL) MmFreeContiguousMemory(Context->Scratch);
  ExFreePoolWithTag(Context, SECTOR_MASK_TAG);
}

static NTSTATUS SectorMaskUnload(PFILTER_EXTENSION FilterExtension) {
  SectorMaskFreeContext((PSECTOR_MASK_CONTEXT)FilterExtension->DumpData);
  FilterExtension->DumpData = NULL;
  return STATUS_SUCCESS;
}

NTSTATUS DriverEntry(_In_ PFILTER_EXTENSION FilterExtension, _Inout_ PFILTER_INITIALIZATION_DATA InitializationData) {
  ULONG ScratchBytes = InitializationData->MaxPagesPerWrite * PAGE_SIZE;
  PHYSICAL_ADDRESS HighestAddress;
  PSECTOR_MASK_CONTEXT Context;
  UNREFERENCED_PARAMETER(FilterExtension);

  InitializationData->Flags |= DUMP_FILTER_CRITICAL;
  Context = (PSECTOR_MASK_CONTEXT)ExAllocatePoolWithTag(NonPagedPoolNx, sizeof(*Context), SECTOR_MASK_TAG);
  if (Context == NULL) return STATUS_INSUFFICIENT_RESOURCES;
  RtlZeroMemory(Context, sizeof(*Context));
  HighestAddress.QuadPart = 0x7FFFFFFFFFF;
  Context->Scratch = (PUCHAR)MmAllocateContiguousMemory(ScratchBytes, HighestAddress);
  if (Context->Scratch != NULL) Context->ScratchMdl = IoAllocateMdl(Context->Scratch, ScratchBytes, FALSE, FALSE, NULL);
  if (Context->ScratchMdl == NULL) {
    SectorMaskFreeContext(Context);
    return STATUS_INSUFFICIENT_RESOURCES;
  }
  MmBuildMdlForNonPagedPool(Context->ScratchMdl);

  InitializationData->DumpData = Context;
  InitializationData->DumpWrite = SectorMaskWrite;
  InitializationData->DumpUnload = SectorMaskUnload;
  if (InitializationData->MajorVersion >= DUMP_FILTER_MAJOR_VERSION) {
    InitializationData->DumpRead = SectorMaskRead;
    InitializationData->Flags |= DUMP_FILTER_FLAG_SYSTEM_SUPPORT_READ;
  }
  return STATUS_SUCCESS;
}
