// SPDX-License-Identifier: Apache-2.0
//
// What the filters of this folder have in common: a scratch buffer with room for a full-length write that does not
// begin at a page, a cipher that a test can see through, and a context that is found through DumpData.
#ifndef CORRECT_FILTERS_SWAP_H
#define CORRECT_FILTERS_SWAP_H

#include <ntddk.h>

#include <ntdddump.h>

#define SWAP_TAG 'pawS'
#define SWAP_BUGCHECK 0x0000E0F7

typedef struct _SWAP {
  PUCHAR Bytes;
  PMDL Mdl;
  ULONG Length;
} SWAP, *PSWAP;

static inline VOID SwapFree(PSWAP Swap) {
  if (Swap->Mdl != NULL) IoFreeMdl(Swap->Mdl);
  if (Swap->Bytes != NULL) MmFreeContiguousMemory(Swap->Bytes);
  ExFreePoolWithTag(Swap, SWAP_TAG);
}

// Before anything that can fail the filter says that it is critical: nothing may be written without it.
static inline NTSTATUS SwapPrepare(PFILTER_INITIALIZATION_DATA InitializationData) {
  PHYSICAL_ADDRESS Highest;
  PSWAP Swap;
  InitializationData->Flags |= DUMP_FILTER_CRITICAL;
  if (InitializationData->MaxPagesPerWrite == 0) return STATUS_INVALID_PARAMETER;
  Swap = (PSWAP)ExAllocatePoolWithTag(NonPagedPoolNx, sizeof(*Swap), SWAP_TAG);
  if (Swap == NULL) return STATUS_INSUFFICIENT_RESOURCES;
  RtlZeroMemory(Swap, sizeof(*Swap));
  Swap->Length = (InitializationData->MaxPagesPerWrite + 1) * PAGE_SIZE;
  Highest.QuadPart = 0x7FFFFFFFFFF;
  Swap->Bytes = (PUCHAR)MmAllocateContiguousMemory(Swap->Length, Highest);
  if (Swap->Bytes != NULL) Swap->Mdl = IoAllocateMdl(Swap->Bytes, Swap->Length, FALSE, FALSE, NULL);
  if (Swap->Mdl == NULL) {
    SwapFree(Swap);
    return STATUS_INSUFFICIENT_RESOURCES;
  }
  MmBuildMdlForNonPagedPool(Swap->Mdl);
  InitializationData->DumpData = Swap;
  return STATUS_SUCCESS;
}

static inline NTSTATUS SwapUnload(PFILTER_EXTENSION FilterExtension) {
  SwapFree((PSWAP)FilterExtension->DumpData);
  FilterExtension->DumpData = NULL;
  return STATUS_SUCCESS;
}

// The bytes a write is of, without a kernel call: an MDL that is mapped has its address in MappedSystemVa, with or
// without ByteOffset in it. One that is not mapped cannot be mapped here, and letting it through is no choice.
static inline PUCHAR SwapBytesOf(PMDL Mdl) {
  if ((Mdl->MdlFlags & (MDL_MAPPED_TO_SYSTEM_VA | MDL_SOURCE_IS_NONPAGED_POOL)) == 0)
    KeBugCheckEx(SWAP_BUGCHECK, (ULONG_PTR)Mdl->MdlFlags, 0, 0, 0);
  return (PUCHAR)PAGE_ALIGN(Mdl->MappedSystemVa) + MmGetMdlByteOffset(Mdl);
}

// From here on the MDL describes the filter's own bytes, from the start of a page on.
static inline VOID SwapPointAt(PMDL Mdl, PSWAP Swap, ULONG Length) {
  RtlCopyMemory(MmGetMdlPfnArray(Mdl), MmGetMdlPfnArray(Swap->Mdl), BYTES_TO_PAGES(Length) * sizeof(PFN_NUMBER));
  Mdl->StartVa = Swap->Bytes;
  Mdl->MappedSystemVa = Swap->Bytes;
  Mdl->ByteOffset = 0;
}

// No byte of the key is zero, so that no sector goes out as it was.
static inline VOID SwapCipher(PUCHAR To, const UCHAR* From, ULONG Length, LONGLONG Offset) {
  for (ULONG i = 0; i < Length; ++i) To[i] = (UCHAR)(From[i] ^ (0x80 | ((Offset + i) >> 9)));
}

#endif  // CORRECT_FILTERS_SWAP_H
