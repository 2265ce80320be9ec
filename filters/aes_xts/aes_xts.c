// SPDX-License-Identifier: Apache-2.0
//
// A full-volume encryption product's dump filter in small: what it writes is what the product's volume filter would
// have written, sector for sector, so the dump can be read back after the next boot like any other file of the volume.
// That is why the tweak counts from the start of the disk: the volume's other readers and writers know a sector by that
// number, while DumpWrite is told an offset within the partition. The partition's own offset is in no structure handed
// to a filter (FILTER_EXTENSION.PartitionInfo identifies the disk and holds no offset); the device has to be asked, at
// PASSIVE_LEVEL, in DriverEntry.
#include <ntddk.h>

#include <ntdddisk.h>
#include <ntdddump.h>

#include "aes_xts_cipher.h"

#define AES_XTS_TAG 'xtXD'
#define AES_XTS_MAX_KEY 64

// Parameter 1 of the bug check: where it was found. Parameters 2 and 3 are the values in question.
#define AES_XTS_BUGCHECK 0x0000E0F2
typedef enum _AES_XTS_ANOMALY {
  AesXtsNotPrepared = 1,
  AesXtsTooLong = 2,
  AesXtsUnaligned = 3,
  AesXtsNotMapped = 4,
} AES_XTS_ANOMALY;

typedef struct _AES_XTS_CONTEXT {
  AES_XTS_KEY Key;
  ULONGLONG PartitionOffset;  // bytes from the start of the disk
  ULONG MaxBytes;             // of one write: MaxPagesPerWrite pages
  PUCHAR Scratch;             // contiguous, page aligned, MaxBytes and one page
  PMDL ScratchMdl;            // describes Scratch; its PFNs are copied on every write
} AES_XTS_CONTEXT, *PAES_XTS_CONTEXT;

static DUMP_START AesXtsStart;
static DUMP_WRITE AesXtsWrite;
static DUMP_READ AesXtsRead;
static DUMP_FINISH AesXtsFinish;
static DUMP_UNLOAD AesXtsUnload;

// -- At HIGH_LEVEL: memory only, no call of the kernel but the one that stops the machine ----------------------------

// Where the bytes of a lent MDL are. MappedSystemVa comes with or without ByteOffset in it, so the page is taken from
// it and ByteOffset added; StartVa means something for nonpaged pool only.
static PUCHAR AesXtsMdlBytes(_In_ PMDL Mdl) {
  if (Mdl->MdlFlags & MDL_MAPPED_TO_SYSTEM_VA) {
    return (PUCHAR)PAGE_ALIGN(Mdl->MappedSystemVa) + MmGetMdlByteOffset(Mdl);
  }
  if (Mdl->MdlFlags & MDL_SOURCE_IS_NONPAGED_POOL) {
    return (PUCHAR)MmGetMdlVirtualAddress(Mdl);
  }
  KeBugCheckEx(AES_XTS_BUGCHECK, AesXtsNotMapped, (ULONG_PTR)Mdl, (ULONG_PTR)(USHORT)Mdl->MdlFlags, 0);
}

// The context, after making sure that this transfer is one the filter is prepared for. An error status would not stop
// the write but only this filter, and the rest of memory would go to the disk in clear: stop the machine instead.
static PAES_XTS_CONTEXT AesXtsCheckTransfer(_In_ PFILTER_EXTENSION FilterExtension, _In_ PLARGE_INTEGER DiskByteOffset,
                                            _In_ PMDL Mdl) {
  PAES_XTS_CONTEXT Context = (PAES_XTS_CONTEXT)FilterExtension->DumpData;
  if (Context == NULL) {
    KeBugCheckEx(AES_XTS_BUGCHECK, AesXtsNotPrepared, (ULONG_PTR)FilterExtension, 0, 0);
  }
  if (MmGetMdlByteCount(Mdl) > Context->MaxBytes) {
    KeBugCheckEx(AES_XTS_BUGCHECK, AesXtsTooLong, MmGetMdlByteCount(Mdl), Context->MaxBytes, 0);
  }
  if ((MmGetMdlByteCount(Mdl) | (ULONGLONG)DiskByteOffset->QuadPart) & (AES_XTS_DATA_UNIT - 1)) {
    KeBugCheckEx(AES_XTS_BUGCHECK, AesXtsUnaligned, MmGetMdlByteCount(Mdl), (ULONG_PTR)DiskByteOffset->QuadPart, 0);
  }
  return Context;
}

// 512 bytes on every disk, whatever its sectors: the number must not change when an image moves to another disk.
static ULONGLONG AesXtsDataUnit(_In_ PAES_XTS_CONTEXT Context, _In_ PLARGE_INTEGER DiskByteOffset) {
  return (Context->PartitionOffset + (ULONGLONG)DiskByteOffset->QuadPart) / AES_XTS_DATA_UNIT;
}

static NTSTATUS AesXtsStart(PFILTER_EXTENSION FilterExtension) {
  return FilterExtension->DumpData != NULL ? STATUS_SUCCESS : STATUS_UNSUCCESSFUL;
}

static NTSTATUS AesXtsWrite(PFILTER_EXTENSION FilterExtension, PLARGE_INTEGER DiskByteOffset, PMDL Mdl) {
  PAES_XTS_CONTEXT Context = AesXtsCheckTransfer(FilterExtension, DiskByteOffset, Mdl);
  ULONG Pages = BYTES_TO_PAGES(MmGetMdlByteCount(Mdl));

  // From the machine's memory straight into the scratch buffer; the original pages stay as they are.
  AesXtsEncrypt(&Context->Key, AesXtsDataUnit(Context, DiskByteOffset), AesXtsMdlBytes(Mdl), Context->Scratch,
                MmGetMdlByteCount(Mdl));

  // Every way in which a port may follow the MDL now leads to the scratch buffer. ByteCount, Size and MdlFlags stay.
  RtlCopyMemory(MmGetMdlPfnArray(Mdl), MmGetMdlPfnArray(Context->ScratchMdl), Pages * sizeof(PFN_NUMBER));
  Mdl->StartVa = Context->Scratch;
  Mdl->MappedSystemVa = Context->Scratch;
  Mdl->ByteOffset = 0;
  return STATUS_SUCCESS;
}

// After the port's read. The bytes may be changed where they lie, the MDL and the offset may not.
static NTSTATUS AesXtsRead(PFILTER_EXTENSION FilterExtension, PLARGE_INTEGER DiskByteOffset, PMDL Mdl) {
  PAES_XTS_CONTEXT Context = AesXtsCheckTransfer(FilterExtension, DiskByteOffset, Mdl);
  PUCHAR Bytes = AesXtsMdlBytes(Mdl);
  AesXtsDecrypt(&Context->Key, AesXtsDataUnit(Context, DiskByteOffset), Bytes, Bytes, MmGetMdlByteCount(Mdl));
  return STATUS_SUCCESS;
}

// Wiping the key here looks right and is wrong: the stack still writes its log through the filter after DumpFinish.
static NTSTATUS AesXtsFinish(PFILTER_EXTENSION FilterExtension) {
  UNREFERENCED_PARAMETER(FilterExtension);
  return STATUS_SUCCESS;
}

// -- At PASSIVE_LEVEL: the whole kernel is there ---------------------------------------------------------------------

static VOID AesXtsFreeContext(_In_opt_ PAES_XTS_CONTEXT Context) {
  if (Context == NULL) return;
  if (Context->ScratchMdl != NULL) IoFreeMdl(Context->ScratchMdl);
  if (Context->Scratch != NULL) MmFreeContiguousMemory(Context->Scratch);
  RtlSecureZeroMemory(Context, sizeof(*Context));
  ExFreePoolWithTag(Context, AES_XTS_TAG);
}

// With or without a DumpStart before. The keys go before the memory does.
static NTSTATUS AesXtsUnload(PFILTER_EXTENSION FilterExtension) {
  AesXtsFreeContext((PAES_XTS_CONTEXT)FilterExtension->DumpData);
  FilterExtension->DumpData = NULL;
  return STATUS_SUCCESS;
}

static NTSTATUS AesXtsDeviceControl(_In_ PDEVICE_OBJECT DeviceObject, _In_ ULONG IoControlCode,
                                    _Out_writes_bytes_(OutputLength) PVOID Output, _In_ ULONG OutputLength) {
  KEVENT Event;
  IO_STATUS_BLOCK IoStatus;
  PIRP Irp;
  NTSTATUS Status;

  KeInitializeEvent(&Event, NotificationEvent, FALSE);
  Irp = IoBuildDeviceIoControlRequest(IoControlCode, DeviceObject, NULL, 0, Output, OutputLength, FALSE, &Event,
                                      &IoStatus);
  if (Irp == NULL) return STATUS_INSUFFICIENT_RESOURCES;
  Status = IoCallDriver(DeviceObject, Irp);
  if (Status == STATUS_PENDING) {
    KeWaitForSingleObject(&Event, Executive, KernelMode, FALSE, NULL);
    Status = IoStatus.Status;
  }
  return Status;
}

// The older request knows MBR disks only; the newer one is not known to every old volume driver.
static NTSTATUS AesXtsQueryPartitionOffset(_In_ PDEVICE_OBJECT DeviceObject, _Out_ PULONGLONG PartitionOffset) {
  PARTITION_INFORMATION Information;
  PARTITION_INFORMATION_EX InformationEx;
  NTSTATUS Status = AesXtsDeviceControl(DeviceObject, IOCTL_DISK_GET_PARTITION_INFO, &Information, sizeof(Information));
  if (NT_SUCCESS(Status)) {
    *PartitionOffset = (ULONGLONG)Information.StartingOffset.QuadPart;
    return Status;
  }
  Status = AesXtsDeviceControl(DeviceObject, IOCTL_DISK_GET_PARTITION_INFO_EX, &InformationEx, sizeof(InformationEx));
  if (NT_SUCCESS(Status)) *PartitionOffset = (ULONGLONG)InformationEx.StartingOffset.QuadPart;
  return Status;
}

// One value of the parameters key into `Value`; `*Length` comes in as its size and goes out as the length found.
static NTSTATUS AesXtsQueryValue(_In_ HANDLE Key, _In_ PCWSTR Name, _In_ ULONG Type,
                                 _Out_writes_bytes_(*Length) PVOID Value, _Inout_ PULONG Length) {
  DECLSPEC_ALIGN(8) UCHAR Buffer[FIELD_OFFSET(KEY_VALUE_PARTIAL_INFORMATION, Data) + AES_XTS_MAX_KEY];
  PKEY_VALUE_PARTIAL_INFORMATION Information = (PKEY_VALUE_PARTIAL_INFORMATION)(PVOID)Buffer;
  UNICODE_STRING ValueName;
  ULONG ResultLength;
  NTSTATUS Status;

  RtlInitUnicodeString(&ValueName, Name);
  Status = ZwQueryValueKey(Key, &ValueName, KeyValuePartialInformation, Buffer, sizeof(Buffer), &ResultLength);
  if (NT_SUCCESS(Status) && Information->Type != Type) Status = STATUS_OBJECT_TYPE_MISMATCH;
  if (NT_SUCCESS(Status) && Information->DataLength > *Length) Status = STATUS_INVALID_PARAMETER;
  if (NT_SUCCESS(Status)) {
    RtlCopyMemory(Value, Information->Data, Information->DataLength);
    *Length = Information->DataLength;
  }
  RtlSecureZeroMemory(Buffer, sizeof(Buffer));
  return Status;
}

// A product gets its keys from its main driver; the registry stands in for it here.
static NTSTATUS AesXtsQueryParameters(_Inout_ PAES_XTS_CONTEXT Context) {
  UNICODE_STRING Path =
      RTL_CONSTANT_STRING(L"\\Registry\\Machine\\System\\CurrentControlSet\\Services\\aes_xts\\Parameters");
  OBJECT_ATTRIBUTES Attributes;
  HANDLE Key;
  UCHAR KeyMaterial[AES_XTS_MAX_KEY];
  ULONG KeyLength = sizeof(KeyMaterial);
  ULONG Portable = 0;
  ULONG PortableLength = sizeof(Portable);
  NTSTATUS Status;

  InitializeObjectAttributes(&Attributes, &Path, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, NULL, NULL);
  Status = ZwOpenKey(&Key, KEY_READ, &Attributes);
  if (!NT_SUCCESS(Status)) return Status;

  Status = AesXtsQueryValue(Key, L"Portable", REG_DWORD, &Portable, &PortableLength);
  if (Status == STATUS_OBJECT_NAME_NOT_FOUND) Status = STATUS_SUCCESS;
  if (NT_SUCCESS(Status)) Status = AesXtsQueryValue(Key, L"Key", REG_BINARY, KeyMaterial, &KeyLength);
  if (NT_SUCCESS(Status) && KeyLength != 32 && KeyLength != 64) Status = STATUS_INVALID_PARAMETER;
  // Equal halves make XTS weak: the tweak of block 0 would be the cipher's own output.
  if (NT_SUCCESS(Status) && RtlEqualMemory(KeyMaterial, KeyMaterial + KeyLength / 2, KeyLength / 2)) {
    Status = STATUS_INVALID_PARAMETER;
  }
  if (NT_SUCCESS(Status)) {
    AesXtsExpandKey(&Context->Key, KeyMaterial, KeyLength, Portable ? AesXtsPortable : AesXtsBest);
  }
  RtlSecureZeroMemory(KeyMaterial, sizeof(KeyMaterial));
  ZwClose(Key);
  return Status;
}

static NTSTATUS AesXtsPrepare(_Inout_ PAES_XTS_CONTEXT Context, _In_ PDEVICE_OBJECT DeviceObject,
                              _In_ ULONG MaxPagesPerWrite) {
  PHYSICAL_ADDRESS HighestAddress;
  NTSTATUS Status = AesXtsQueryParameters(Context);
  if (!NT_SUCCESS(Status)) return Status;
  Status = AesXtsQueryPartitionOffset(DeviceObject, &Context->PartitionOffset);
  if (!NT_SUCCESS(Status)) return Status;

  // Everything the callbacks will need, allocated now: there is no other time.
  HighestAddress.QuadPart = 0x7FFFFFFFFFF;
  Context->MaxBytes = MaxPagesPerWrite * PAGE_SIZE;
  Context->Scratch = (PUCHAR)MmAllocateContiguousMemory(Context->MaxBytes + PAGE_SIZE, HighestAddress);
  if (Context->Scratch == NULL) return STATUS_INSUFFICIENT_RESOURCES;
  Context->ScratchMdl = IoAllocateMdl(Context->Scratch, Context->MaxBytes + PAGE_SIZE, FALSE, FALSE, NULL);
  if (Context->ScratchMdl == NULL) return STATUS_INSUFFICIENT_RESOURCES;
  MmBuildMdlForNonPagedPool(Context->ScratchMdl);
  return STATUS_SUCCESS;
}

NTSTATUS DriverEntry(_In_ PFILTER_EXTENSION FilterExtension, _Inout_ PFILTER_INITIALIZATION_DATA InitializationData) {
  PAES_XTS_CONTEXT Context;
  NTSTATUS Status;
  // A Windows 7 host starts at version 1, and its structure ends before DumpRead.
  BOOLEAN HostHasRead = InitializationData->MajorVersion >= DUMP_FILTER_MAJOR_VERSION;

  // First of all: if anything below fails, no dump at all is better than one in clear.
  InitializationData->Flags |= DUMP_FILTER_CRITICAL;
  if (InitializationData->MaxPagesPerWrite == 0 || InitializationData->MaxPagesPerWrite > 0x10000) {
    return STATUS_INVALID_PARAMETER;
  }

  Context = (PAES_XTS_CONTEXT)ExAllocatePoolWithTag(NonPagedPoolNx, sizeof(*Context), AES_XTS_TAG);
  if (Context == NULL) return STATUS_INSUFFICIENT_RESOURCES;
  RtlZeroMemory(Context, sizeof(*Context));
  Status = AesXtsPrepare(Context, FilterExtension->DeviceObject, InitializationData->MaxPagesPerWrite);
  if (!NT_SUCCESS(Status)) {
    AesXtsFreeContext(Context);
    return Status;
  }

  InitializationData->DumpData = Context;
  InitializationData->DumpStart = AesXtsStart;
  InitializationData->DumpWrite = AesXtsWrite;
  InitializationData->DumpFinish = AesXtsFinish;
  InitializationData->DumpUnload = AesXtsUnload;
  if (HostHasRead) {
    InitializationData->MajorVersion = DUMP_FILTER_MAJOR_VERSION;
    InitializationData->DumpRead = AesXtsRead;
    InitializationData->Flags |= DUMP_FILTER_FLAG_SYSTEM_SUPPORT_READ;
  }
  return STATUS_SUCCESS;
}
