// SPDX-License-Identifier: Apache-2.0
//
// The dump filter of the volume encryptor: it encrypts as the driver would have, so that the driver reads the dump
// back. Built with VOLUME_CIPHER_LOW_PART it does what a driver from the days of small disks does: it counts sectors in
// 32 bits of the byte offset. Its own DumpRead counts the same way and gives everything back; the driver does not, from
// the first extent beyond 4 GiB on.
#include <ntddk.h>

#include <ntdddump.h>

#include "volume_cipher.h"

#define VOLUME_CIPHER_BUGCHECK 0x0000E0F7

typedef struct _FILTER_CONTEXT {
  ULONGLONG Key;
  ULONG MaxBytes;
  PUCHAR Scratch;
  PMDL ScratchMdl;
} FILTER_CONTEXT, *PFILTER_CONTEXT;

static ULONGLONG SectorOf(const LARGE_INTEGER* Offset) {
#ifdef VOLUME_CIPHER_LOW_PART
  return Offset->LowPart / VOLUME_CIPHER_SECTOR;
#else
  return (ULONGLONG)Offset->QuadPart / VOLUME_CIPHER_SECTOR;
#endif
}

static PUCHAR BytesOf(PMDL Mdl) {
  if (Mdl->MdlFlags & MDL_MAPPED_TO_SYSTEM_VA) {
    return (PUCHAR)PAGE_ALIGN(Mdl->MappedSystemVa) + MmGetMdlByteOffset(Mdl);
  }
  return (PUCHAR)MmGetMdlVirtualAddress(Mdl);
}

// An error would not stop the write, and the sectors would lie there in clear.
static PFILTER_CONTEXT Checked(PFILTER_EXTENSION Extension, PLARGE_INTEGER Offset, PMDL Mdl) {
  PFILTER_CONTEXT Context = (PFILTER_CONTEXT)Extension->DumpData;
  if (Context == NULL || MmGetMdlByteCount(Mdl) > Context->MaxBytes ||
      ((MmGetMdlByteCount(Mdl) | (ULONG)Offset->QuadPart) & (VOLUME_CIPHER_SECTOR - 1)) != 0 ||
      !(Mdl->MdlFlags & (MDL_MAPPED_TO_SYSTEM_VA | MDL_SOURCE_IS_NONPAGED_POOL))) {
    KeBugCheckEx(VOLUME_CIPHER_BUGCHECK, MmGetMdlByteCount(Mdl), (ULONG_PTR)Offset->QuadPart,
                 (ULONG_PTR)(USHORT)Mdl->MdlFlags, 0);
  }
  return Context;
}

static NTSTATUS OnStart(PFILTER_EXTENSION Extension) {
  return Extension->DumpData != NULL ? STATUS_SUCCESS : STATUS_UNSUCCESSFUL;
}

static NTSTATUS OnWrite(PFILTER_EXTENSION Extension, PLARGE_INTEGER Offset, PMDL Mdl) {
  PFILTER_CONTEXT Context = Checked(Extension, Offset, Mdl);
  VolumeCipher(Context->Key, SectorOf(Offset), BytesOf(Mdl), Context->Scratch, MmGetMdlByteCount(Mdl));
  RtlCopyMemory(MmGetMdlPfnArray(Mdl), MmGetMdlPfnArray(Context->ScratchMdl),
                BYTES_TO_PAGES(MmGetMdlByteCount(Mdl)) * sizeof(PFN_NUMBER));
  Mdl->StartVa = Context->Scratch;
  Mdl->MappedSystemVa = Context->Scratch;
  Mdl->ByteOffset = 0;
  return STATUS_SUCCESS;
}

static NTSTATUS OnDumpRead(PFILTER_EXTENSION Extension, PLARGE_INTEGER Offset, PMDL Mdl) {
  PFILTER_CONTEXT Context = Checked(Extension, Offset, Mdl);
  PUCHAR Bytes = BytesOf(Mdl);
  VolumeCipher(Context->Key, SectorOf(Offset), Bytes, Bytes, MmGetMdlByteCount(Mdl));
  return STATUS_SUCCESS;
}

static NTSTATUS OnFinish(PFILTER_EXTENSION Extension) {
  UNREFERENCED_PARAMETER(Extension);
  return STATUS_SUCCESS;
}

static VOID FreeContext(PFILTER_CONTEXT Context) {
  if (Context == NULL) return;
  if (Context->ScratchMdl != NULL) IoFreeMdl(Context->ScratchMdl);
  if (Context->Scratch != NULL) MmFreeContiguousMemory(Context->Scratch);
  RtlSecureZeroMemory(Context, sizeof(*Context));
  ExFreePoolWithTag(Context, VOLUME_CIPHER_TAG);
}

static NTSTATUS OnUnload(PFILTER_EXTENSION Extension) {
  FreeContext((PFILTER_CONTEXT)Extension->DumpData);
  Extension->DumpData = NULL;
  return STATUS_SUCCESS;
}

static NTSTATUS Prepare(PFILTER_CONTEXT Context, ULONG MaxPagesPerWrite) {
  PHYSICAL_ADDRESS Highest;
  NTSTATUS Status = VolumeCipherReadKey(&Context->Key);
  if (!NT_SUCCESS(Status)) return Status;
  Highest.QuadPart = 0x7FFFFFFFFFF;
  Context->MaxBytes = MaxPagesPerWrite * PAGE_SIZE;
  Context->Scratch = (PUCHAR)MmAllocateContiguousMemory(Context->MaxBytes + PAGE_SIZE, Highest);
  if (Context->Scratch == NULL) return STATUS_INSUFFICIENT_RESOURCES;
  Context->ScratchMdl = IoAllocateMdl(Context->Scratch, Context->MaxBytes + PAGE_SIZE, FALSE, FALSE, NULL);
  if (Context->ScratchMdl == NULL) return STATUS_INSUFFICIENT_RESOURCES;
  MmBuildMdlForNonPagedPool(Context->ScratchMdl);
  return STATUS_SUCCESS;
}

NTSTATUS DriverEntry(_In_ PFILTER_EXTENSION Extension, _Inout_ PFILTER_INITIALIZATION_DATA Initialization) {
  BOOLEAN HostHasRead = Initialization->MajorVersion >= DUMP_FILTER_MAJOR_VERSION;
  PFILTER_CONTEXT Context;
  NTSTATUS Status;
  UNREFERENCED_PARAMETER(Extension);
  Initialization->Flags |= DUMP_FILTER_CRITICAL;
  if (Initialization->MaxPagesPerWrite == 0 || Initialization->MaxPagesPerWrite > 0x10000) {
    return STATUS_INVALID_PARAMETER;
  }
  Context = (PFILTER_CONTEXT)ExAllocatePoolWithTag(NonPagedPoolNx, sizeof(*Context), VOLUME_CIPHER_TAG);
  if (Context == NULL) return STATUS_INSUFFICIENT_RESOURCES;
  RtlZeroMemory(Context, sizeof(*Context));
  Status = Prepare(Context, Initialization->MaxPagesPerWrite);
  if (!NT_SUCCESS(Status)) {
    FreeContext(Context);
    return Status;
  }
  Initialization->DumpData = Context;
  Initialization->DumpStart = OnStart;
  Initialization->DumpWrite = OnWrite;
  Initialization->DumpFinish = OnFinish;
  Initialization->DumpUnload = OnUnload;
  if (HostHasRead) {
    Initialization->MajorVersion = DUMP_FILTER_MAJOR_VERSION;
    Initialization->DumpRead = OnDumpRead;
    Initialization->Flags |= DUMP_FILTER_FLAG_SYSTEM_SUPPORT_READ;
  }
  return STATUS_SUCCESS;
}
