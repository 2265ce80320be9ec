// SPDX-License-Identifier: Apache-2.0
//
// What the filters of this folder do right, so that each source shows the one thing it does wrong: a scratch buffer
// prepared in DriverEntry, a copy into it, an MDL pointed at it in every way a port may follow. Nothing is encrypted,
// unless a filter does so itself, so that a dump that went through is recovered as it is.
#ifndef BAD_FILTERS_SCRATCH_H
#define BAD_FILTERS_SCRATCH_H

#include <ntddk.h>

#include <ntdddump.h>

#define SCRATCH_TAG 'daBD'

typedef struct _SCRATCH {
  PUCHAR Bytes;  // MaxPagesPerWrite pages, contiguous
  PMDL Mdl;      // describes Bytes
} SCRATCH, *PSCRATCH;

static inline NTSTATUS ScratchPrepare(PFILTER_INITIALIZATION_DATA InitializationData) {
  SIZE_T Length = (SIZE_T)InitializationData->MaxPagesPerWrite * PAGE_SIZE;
  PHYSICAL_ADDRESS Highest;
  PSCRATCH Scratch = (PSCRATCH)ExAllocatePoolWithTag(NonPagedPoolNx, sizeof(*Scratch), SCRATCH_TAG);
  if (Scratch == NULL) return STATUS_INSUFFICIENT_RESOURCES;
  Highest.QuadPart = 0x7FFFFFFFFFF;
  Scratch->Bytes = (PUCHAR)MmAllocateContiguousMemory(Length, Highest);
  if (Scratch->Bytes == NULL) {
    ExFreePoolWithTag(Scratch, SCRATCH_TAG);
    return STATUS_INSUFFICIENT_RESOURCES;
  }
  Scratch->Mdl = IoAllocateMdl(Scratch->Bytes, (ULONG)Length, FALSE, FALSE, NULL);
  if (Scratch->Mdl == NULL) {
    MmFreeContiguousMemory(Scratch->Bytes);
    ExFreePoolWithTag(Scratch, SCRATCH_TAG);
    return STATUS_INSUFFICIENT_RESOURCES;
  }
  MmBuildMdlForNonPagedPool(Scratch->Mdl);
  InitializationData->DumpData = Scratch;
  return STATUS_SUCCESS;
}

static inline NTSTATUS ScratchUnload(PFILTER_EXTENSION FilterExtension) {
  PSCRATCH Scratch = (PSCRATCH)FilterExtension->DumpData;
  IoFreeMdl(Scratch->Mdl);
  MmFreeContiguousMemory(Scratch->Bytes);
  ExFreePoolWithTag(Scratch, SCRATCH_TAG);
  FilterExtension->DumpData = NULL;
  return STATUS_SUCCESS;
}

static inline PUCHAR ScratchSource(PMDL Mdl) {
  return (PUCHAR)PAGE_ALIGN(Mdl->MappedSystemVa) + MmGetMdlByteOffset(Mdl);
}

static inline PSCRATCH ScratchCopy(PFILTER_EXTENSION FilterExtension, PMDL Mdl) {
  PSCRATCH Scratch = (PSCRATCH)FilterExtension->DumpData;
  RtlCopyMemory(Scratch->Bytes, ScratchSource(Mdl), MmGetMdlByteCount(Mdl));
  return Scratch;
}

static inline VOID ScratchRetarget(PSCRATCH Scratch, PMDL Mdl) {
  RtlCopyMemory(MmGetMdlPfnArray(Mdl), MmGetMdlPfnArray(Scratch->Mdl),
                BYTES_TO_PAGES(MmGetMdlByteCount(Mdl)) * sizeof(PFN_NUMBER));
  Mdl->StartVa = Scratch->Bytes;
  Mdl->MappedSystemVa = Scratch->Bytes;
  Mdl->ByteOffset = 0;
}

#endif  // BAD_FILTERS_SCRATCH_H
