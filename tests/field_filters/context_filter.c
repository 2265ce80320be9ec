// SPDX-License-Identifier: Apache-2.0
//
// The filter that takes a pointer to its context from its main driver and keeps everything else in DumpData: no
// globals, nothing called at HIGH_LEVEL, PFNs and three fields of the MDL replaced. [seen: VeraCrypt since 2025] A host
// that does not copy FILTER_INITIALIZATION_DATA.DumpData to FILTER_EXTENSION.DumpData after DriverEntry breaks it.
// Reads are undone in place.
#include "context_owner.h"

typedef struct _CONTEXT_FILTER {
  PCONTEXT_SHARED Shared;
  FIELD_SCRATCH Scratch;
  ULONGLONG FirstUnit;  // the partition's first sector on the disk
} CONTEXT_FILTER, *PCONTEXT_FILTER;

static PCONTEXT_FILTER ContextOf(PFILTER_EXTENSION FilterExtension, PLARGE_INTEGER DiskByteOffset, PMDL Mdl) {
  PCONTEXT_FILTER Context = (PCONTEXT_FILTER)FilterExtension->DumpData;
  if (Context == NULL || Context->Shared->Magic != CONTEXT_MAGIC) KeBugCheckEx(SECURITY_SYSTEM, __LINE__, 0, 0, 0);
  if ((Mdl->MdlFlags & (MDL_MAPPED_TO_SYSTEM_VA | MDL_SOURCE_IS_NONPAGED_POOL)) == 0)
    KeBugCheckEx(SECURITY_SYSTEM, __LINE__, (ULONG_PTR)Mdl, (ULONG_PTR)(USHORT)Mdl->MdlFlags, 0);
  if (MmGetMdlByteCount(Mdl) > Context->Scratch.Length || (MmGetMdlByteCount(Mdl) % FIELD_SECTOR) != 0 ||
      (DiskByteOffset->QuadPart % FIELD_SECTOR) != 0)
    KeBugCheckEx(SECURITY_SYSTEM, __LINE__, MmGetMdlByteCount(Mdl), (ULONG_PTR)DiskByteOffset->QuadPart, 0);
  return Context;
}

static ULONGLONG UnitOf(PCONTEXT_FILTER Context, PLARGE_INTEGER DiskByteOffset) {
  return Context->FirstUnit + (ULONGLONG)DiskByteOffset->QuadPart / FIELD_SECTOR;
}

static PUCHAR BytesOf(PMDL Mdl) {
  return (Mdl->MdlFlags & MDL_MAPPED_TO_SYSTEM_VA) != 0 ? FieldMdlBytes(Mdl) : (PUCHAR)MmGetMdlVirtualAddress(Mdl);
}

static NTSTATUS FilterStart(PFILTER_EXTENSION FilterExtension) {
  return FilterExtension->DumpData != NULL ? STATUS_SUCCESS : STATUS_UNSUCCESSFUL;
}

static NTSTATUS FilterWrite(PFILTER_EXTENSION FilterExtension, PLARGE_INTEGER DiskByteOffset, PMDL Mdl) {
  PCONTEXT_FILTER Context = ContextOf(FilterExtension, DiskByteOffset, Mdl);
  FieldTransform(Context->Shared->Key, UnitOf(Context, DiskByteOffset), BytesOf(Mdl), Context->Scratch.Bytes,
                 MmGetMdlByteCount(Mdl));
  FieldPointAt(Mdl, &Context->Scratch);
  return STATUS_SUCCESS;
}

static NTSTATUS FilterRead(PFILTER_EXTENSION FilterExtension, PLARGE_INTEGER DiskByteOffset, PMDL Mdl) {
  PCONTEXT_FILTER Context = ContextOf(FilterExtension, DiskByteOffset, Mdl);
  PUCHAR Bytes = BytesOf(Mdl);
  FieldTransform(Context->Shared->Key, UnitOf(Context, DiskByteOffset), Bytes, Bytes, MmGetMdlByteCount(Mdl));
  return STATUS_SUCCESS;
}

static NTSTATUS FilterFinish(PFILTER_EXTENSION FilterExtension) {
  UNREFERENCED_PARAMETER(FilterExtension);
  return STATUS_SUCCESS;
}

static NTSTATUS FilterUnload(PFILTER_EXTENSION FilterExtension) {
  PCONTEXT_FILTER Context = (PCONTEXT_FILTER)FilterExtension->DumpData;
  if (Context != NULL) {
    FieldFreeScratch(&Context->Scratch);
    ExFreePoolWithTag(Context, FIELD_TAG);
    FilterExtension->DumpData = NULL;
  }
  return STATUS_SUCCESS;
}

NTSTATUS DriverEntry(PFILTER_EXTENSION FilterExtension, PFILTER_INITIALIZATION_DATA InitializationData) {
  PCONTEXT_FILTER Context;
  ULONG_PTR Given;
  LONGLONG Start;
  NTSTATUS Status;
  BOOLEAN HostHasRead = InitializationData->MajorVersion >= 2;

  InitializationData->Flags |= DUMP_FILTER_CRITICAL;
  Context = (PCONTEXT_FILTER)ExAllocatePoolWithTag(NonPagedPoolNx, sizeof(*Context), FIELD_TAG);
  if (Context == NULL) return STATUS_INSUFFICIENT_RESOURCES;
  RtlZeroMemory(Context, sizeof(*Context));
  Status = FieldAsk(CONTEXT_DEVICE, CONTEXT_IOCTL_GET, &Context->Shared, sizeof(Context->Shared), &Given);
  if (NT_SUCCESS(Status) && (Given != sizeof(Context->Shared) || Context->Shared->Magic != CONTEXT_MAGIC)) {
    Status = STATUS_INVALID_PARAMETER;
  }
  if (NT_SUCCESS(Status)) Status = FieldPartitionStart(FilterExtension->DeviceObject, &Start);
  if (NT_SUCCESS(Status)) Status = FieldMakeScratch(&Context->Scratch, InitializationData->MaxPagesPerWrite);
  if (!NT_SUCCESS(Status)) {
    ExFreePoolWithTag(Context, FIELD_TAG);
    return Status;
  }
  Context->FirstUnit = (ULONGLONG)Start / FIELD_SECTOR;
  InitializationData->DumpData = Context;
  InitializationData->DumpStart = FilterStart;
  InitializationData->DumpWrite = FilterWrite;
  InitializationData->DumpFinish = FilterFinish;
  InitializationData->DumpUnload = FilterUnload;
  if (HostHasRead) {
    InitializationData->MajorVersion = DUMP_FILTER_MAJOR_VERSION;
    InitializationData->DumpRead = FilterRead;
    InitializationData->Flags |= DUMP_FILTER_FLAG_SYSTEM_SUPPORT_READ;
  }
  return STATUS_SUCCESS;
}
