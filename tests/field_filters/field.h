// SPDX-License-Identifier: Apache-2.0
//
// What the drivers of this folder share: how to ask another driver something, a scratch buffer, and a stand-in for a
// cipher. Each source beside it shows one way of the field; none is anybody's product.
#ifndef FIELD_FILTERS_FIELD_H
#define FIELD_FILTERS_FIELD_H

#include <ntddk.h>

#include <ntdddisk.h>
#include <ntdddump.h>
#include <ntddstor.h>

#define FIELD_TAG 'dleF'
#define FIELD_SECTOR 512
#define FIELD_HIGHEST_ADDRESS 0x7FFFFFFFFFF

// Sends one IOCTL and waits for it. The status is the request's; Information comes back only on success.
static inline NTSTATUS FieldDeviceControl(_In_ PDEVICE_OBJECT Device, _In_ ULONG Code, _In_opt_ PVOID Input,
                                          _In_ ULONG InputLength, _Out_opt_ PVOID Output, _In_ ULONG OutputLength,
                                          _Out_opt_ ULONG_PTR* Information) {
  KEVENT Done;
  IO_STATUS_BLOCK Iosb;
  PIRP Irp;
  NTSTATUS Status;
  KeInitializeEvent(&Done, NotificationEvent, FALSE);
  Irp = IoBuildDeviceIoControlRequest(Code, Device, Input, InputLength, Output, OutputLength, FALSE, &Done, &Iosb);
  if (Irp == NULL) return STATUS_INSUFFICIENT_RESOURCES;
  Status = IoCallDriver(Device, Irp);
  if (Status == STATUS_PENDING) {
    KeWaitForSingleObject(&Done, Executive, KernelMode, FALSE, NULL);
    Status = Iosb.Status;
  }
  if (Information != NULL) *Information = NT_SUCCESS(Status) ? Iosb.Information : 0;
  return Status;
}

// The same by the device's name. STATUS_OBJECT_NAME_NOT_FOUND when nobody has made such a device.
static inline NTSTATUS FieldAsk(_In_ PCWSTR Name, _In_ ULONG Code, _Out_opt_ PVOID Output, _In_ ULONG OutputLength,
                                _Out_opt_ ULONG_PTR* Information) {
  UNICODE_STRING DeviceName;
  PFILE_OBJECT File;
  PDEVICE_OBJECT Device;
  NTSTATUS Status;
  RtlInitUnicodeString(&DeviceName, Name);
  Status = IoGetDeviceObjectPointer(&DeviceName, FILE_ANY_ACCESS, &File, &Device);
  if (!NT_SUCCESS(Status)) return Status;
  Status = FieldDeviceControl(Device, Code, NULL, 0, Output, OutputLength, Information);
  ObDereferenceObject(File);
  return Status;
}

// Where the partition starts on the disk: MBR's form first, then the one that GPT disks answer too.
static inline NTSTATUS FieldPartitionStart(_In_ PDEVICE_OBJECT Device, _Out_ LONGLONG* Start) {
  PARTITION_INFORMATION Old;
  PARTITION_INFORMATION_EX New;
  NTSTATUS Status = FieldDeviceControl(Device, IOCTL_DISK_GET_PARTITION_INFO, NULL, 0, &Old, sizeof(Old), NULL);
  if (NT_SUCCESS(Status)) {
    *Start = Old.StartingOffset.QuadPart;
    return Status;
  }
  Status = FieldDeviceControl(Device, IOCTL_DISK_GET_PARTITION_INFO_EX, NULL, 0, &New, sizeof(New), NULL);
  if (NT_SUCCESS(Status)) *Start = New.StartingOffset.QuadPart;
  return Status;
}

// A stand-in for a cipher with a tweak: each sector xored with a stream of words made from the key and the number of
// its data unit. Its own inverse. It protects nothing.
static inline VOID FieldTransform(_In_ ULONGLONG Key, _In_ ULONGLONG Unit, _In_reads_bytes_(Length) const VOID* From,
                                  _Out_writes_bytes_(Length) PVOID To, _In_ ULONG Length) {
  const ULONGLONG UNALIGNED* Source = (const ULONGLONG UNALIGNED*)From;
  ULONGLONG UNALIGNED* Target = (ULONGLONG UNALIGNED*)To;
  for (ULONG Word = 0; Word < Length / sizeof(ULONGLONG); ++Word) {
    ULONGLONG Sector = Unit + Word / (FIELD_SECTOR / sizeof(ULONGLONG));
    ULONGLONG Stream = Key ^ (Sector * 0x9E3779B97F4A7C15ull + Word % (FIELD_SECTOR / sizeof(ULONGLONG)));
    Stream ^= Stream >> 30;
    Stream *= 0xBF58476D1CE4E5B9ull;
    Stream ^= Stream >> 27;
    Target[Word] = Source[Word] ^ Stream;
  }
}

typedef struct _FIELD_SCRATCH {
  PUCHAR Bytes;  // contiguous, page aligned
  ULONG Length;
  PMDL Mdl;  // describes Bytes
} FIELD_SCRATCH, *PFIELD_SCRATCH;

static inline VOID FieldFreeScratch(_Inout_ PFIELD_SCRATCH Scratch) {
  if (Scratch->Mdl != NULL) IoFreeMdl(Scratch->Mdl);
  if (Scratch->Bytes != NULL) {
    RtlSecureZeroMemory(Scratch->Bytes, Scratch->Length);
    MmFreeContiguousMemory(Scratch->Bytes);
  }
  Scratch->Mdl = NULL;
  Scratch->Bytes = NULL;
}

static inline NTSTATUS FieldMakeScratch(_Out_ PFIELD_SCRATCH Scratch, _In_ ULONG Pages) {
  PHYSICAL_ADDRESS Highest;
  Highest.QuadPart = FIELD_HIGHEST_ADDRESS;
  Scratch->Mdl = NULL;
  Scratch->Length = Pages * PAGE_SIZE;
  Scratch->Bytes = (PUCHAR)MmAllocateContiguousMemory(Scratch->Length, Highest);
  if (Scratch->Bytes == NULL) return STATUS_INSUFFICIENT_RESOURCES;
  Scratch->Mdl = IoAllocateMdl(Scratch->Bytes, Scratch->Length, FALSE, FALSE, NULL);
  if (Scratch->Mdl == NULL) {
    FieldFreeScratch(Scratch);
    return STATUS_INSUFFICIENT_RESOURCES;
  }
  MmBuildMdlForNonPagedPool(Scratch->Mdl);
  return STATUS_SUCCESS;
}

// PFNs and three fields; ByteCount, Size and MdlFlags stay.
static inline VOID FieldPointAt(_Inout_ PMDL Mdl, _In_ PFIELD_SCRATCH Scratch) {
  RtlCopyMemory(MmGetMdlPfnArray(Mdl), MmGetMdlPfnArray(Scratch->Mdl),
                BYTES_TO_PAGES(MmGetMdlByteCount(Mdl)) * sizeof(PFN_NUMBER));
  Mdl->StartVa = Scratch->Bytes;
  Mdl->MappedSystemVa = Scratch->Bytes;
  Mdl->ByteOffset = 0;
}

// Where the bytes of a mapped MDL are, whether or not ByteOffset is in MappedSystemVa already.
static inline PUCHAR FieldMdlBytes(_In_ PMDL Mdl) {
  if ((Mdl->MdlFlags & (MDL_MAPPED_TO_SYSTEM_VA | MDL_SOURCE_IS_NONPAGED_POOL)) == 0)
    KeBugCheckEx(SECURITY_SYSTEM, __LINE__, (ULONG_PTR)Mdl->MdlFlags, 0, 0);
  return (PUCHAR)PAGE_ALIGN(Mdl->MappedSystemVa) + MmGetMdlByteOffset(Mdl);
}

// Completes an IRP of the caller's own device.
static inline NTSTATUS FieldComplete(_Inout_ PIRP Irp, _In_ NTSTATUS Status, _In_ ULONG_PTR Information) {
  Irp->IoStatus.Status = Status;
  Irp->IoStatus.Information = Information;
  IoCompleteRequest(Irp, IO_NO_INCREMENT);
  return Status;
}

#endif  // FIELD_FILTERS_FIELD_H
