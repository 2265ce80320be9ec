// SPDX-License-Identifier: Apache-2.0
//
// The way of the filter that Windows itself ships [seen: listings of dumpfve.sys, Windows 7 and 10]: version 2 and
// DumpRead only when bit 0 of the incoming Flags says that the system reads; the question to the volume whether it is
// protected, with "not implemented" for an answer meaning no; data at the same place within its page, ByteOffset, flags
// and size kept; each PFN from MmGetPhysicalAddress at HIGH_LEVEL; CRITICAL before anything can fail.
#include "field.h"

#define FVE_IOCTL_PROTECTION CTL_CODE('F', 0x21, METHOD_BUFFERED, FILE_READ_ACCESS)
#define FVE_MOST_PAGES 0x10000

typedef struct _FVE_CONTEXT {
  ULONGLONG Key;
  PUCHAR Scratch;  // MaxPagesPerWrite pages and one: data need not begin on a page
  ULONG Length;
} FVE_CONTEXT, *PFVE_CONTEXT;

static NTSTATUS FveStart(PFILTER_EXTENSION FilterExtension) {
  UNREFERENCED_PARAMETER(FilterExtension);
  return STATUS_SUCCESS;
}

static NTSTATUS FveWrite(PFILTER_EXTENSION FilterExtension, PLARGE_INTEGER DiskByteOffset, PMDL Mdl) {
  PFVE_CONTEXT Context = (PFVE_CONTEXT)FilterExtension->DumpData;
  ULONG InPage = MmGetMdlByteOffset(Mdl);
  ULONG Pages = ADDRESS_AND_SIZE_TO_SPAN_PAGES(ULongToPtr(InPage), MmGetMdlByteCount(Mdl));
  PPFN_NUMBER Pfns = MmGetMdlPfnArray(Mdl);
  if (Pages * PAGE_SIZE > Context->Length) KeBugCheckEx(SECURITY_SYSTEM, __LINE__, Pages, Context->Length, 0);
  FieldTransform(Context->Key, (ULONGLONG)DiskByteOffset->QuadPart / FIELD_SECTOR, FieldMdlBytes(Mdl),
                 Context->Scratch + InPage, MmGetMdlByteCount(Mdl));
  for (ULONG Page = 0; Page < Pages; ++Page) {
    Pfns[Page] =
        (PFN_NUMBER)((ULONGLONG)MmGetPhysicalAddress(Context->Scratch + Page * PAGE_SIZE).QuadPart >> PAGE_SHIFT);
  }
  Mdl->StartVa = Context->Scratch;
  Mdl->MappedSystemVa = Context->Scratch + InPage;
  return STATUS_SUCCESS;
}

static NTSTATUS FveRead(PFILTER_EXTENSION FilterExtension, PLARGE_INTEGER DiskByteOffset, PMDL Mdl) {
  PFVE_CONTEXT Context = (PFVE_CONTEXT)FilterExtension->DumpData;
  FieldTransform(Context->Key, (ULONGLONG)DiskByteOffset->QuadPart / FIELD_SECTOR, FieldMdlBytes(Mdl),
                 FieldMdlBytes(Mdl), MmGetMdlByteCount(Mdl));
  return STATUS_SUCCESS;
}

static NTSTATUS FveFinish(PFILTER_EXTENSION FilterExtension) {
  UNREFERENCED_PARAMETER(FilterExtension);
  return STATUS_SUCCESS;
}

static NTSTATUS FveUnload(PFILTER_EXTENSION FilterExtension) {
  PFVE_CONTEXT Context = (PFVE_CONTEXT)FilterExtension->DumpData;
  if (Context == NULL) return STATUS_SUCCESS;
  MmFreeContiguousMemory(Context->Scratch);
  RtlSecureZeroMemory(Context, sizeof(*Context));
  ExFreePoolWithTag(Context, FIELD_TAG);
  FilterExtension->DumpData = NULL;
  return STATUS_SUCCESS;
}

NTSTATUS DriverEntry(PFILTER_EXTENSION FilterExtension, PFILTER_INITIALIZATION_DATA InitializationData) {
  PFVE_CONTEXT Context;
  PHYSICAL_ADDRESS Highest;
  ULONGLONG Key = 0;
  NTSTATUS Status;
  BOOLEAN SystemReads = (InitializationData->Flags & DUMP_FILTER_FLAG_SYSTEM_SUPPORT_READ) != 0;

  InitializationData->Flags |= DUMP_FILTER_CRITICAL;
  if (InitializationData->MaxPagesPerWrite > FVE_MOST_PAGES) return STATUS_INVALID_PARAMETER;
  Status = FieldDeviceControl(FilterExtension->DeviceObject, FVE_IOCTL_PROTECTION, NULL, 0, &Key, sizeof(Key), NULL);
  if (Status == STATUS_NOT_IMPLEMENTED || Status == STATUS_INVALID_DEVICE_REQUEST) {
    DbgPrint("bitlocker_style: the volume is not protected\n");
    return STATUS_SUCCESS;  // no callbacks: the stack goes past this filter
  }
  if (!NT_SUCCESS(Status)) return Status;

  Context = (PFVE_CONTEXT)ExAllocatePoolWithTag(NonPagedPoolNx, sizeof(*Context), FIELD_TAG);
  if (Context == NULL) return STATUS_INSUFFICIENT_RESOURCES;
  Context->Key = Key;
  Context->Length = (InitializationData->MaxPagesPerWrite + 1) * PAGE_SIZE;
  Highest.QuadPart = FIELD_HIGHEST_ADDRESS;
  Context->Scratch = (PUCHAR)MmAllocateContiguousMemory(Context->Length, Highest);
  if (Context->Scratch == NULL) {
    ExFreePoolWithTag(Context, FIELD_TAG);
    return STATUS_INSUFFICIENT_RESOURCES;
  }
  InitializationData->DumpData = Context;
  InitializationData->DumpStart = FveStart;
  InitializationData->DumpWrite = FveWrite;
  InitializationData->DumpFinish = FveFinish;
  InitializationData->DumpUnload = FveUnload;
  if (SystemReads) {
    InitializationData->MajorVersion = DUMP_FILTER_MAJOR_VERSION;
    InitializationData->DumpRead = FveRead;
  }
  return STATUS_SUCCESS;
}
