// SPDX-License-Identifier: Apache-2.0
//
// Main driver and dump filter in one image, as disk encryption products ship it. [seen: VeraCrypt, TrueCrypt,
// DiskCryptor] DriverEntry finds out which of the two it is by asking its own device: if somebody answers, the main
// driver runs already, and what looks like a driver object and a registry path are a filter's two structures. The
// filter then gets a *pointer* into the other copy by an IOCTL: the keys stay where they are.
//
// The write path is the one of the older products: it rebuilds the caller's MDL at HIGH_LEVEL, above the documented
// limit of the routines, and puts the old flags back. Windows lets it pass.
#include "field.h"

#define ONE_DEVICE L"\\Device\\FieldOneImage"
#define ONE_LINK L"\\DosDevices\\FieldOneImage"
#define ONE_VERSION 0x0126
#define ONE_MAGIC 0x454E4F444C454946ull
#define ONE_IOCTL_VERSION CTL_CODE(FILE_DEVICE_UNKNOWN, 0x801, METHOD_BUFFERED, FILE_ANY_ACCESS)
#define ONE_IOCTL_DUMP_CONFIG CTL_CODE(FILE_DEVICE_UNKNOWN, 0x826, METHOD_BUFFERED, FILE_ANY_ACCESS)

#define ONE_BUGCHECK STATUS_INVALID_PARAMETER

// The main driver's extension of its device. The filter reads it through a pointer for as long as the machine runs.
typedef struct _ONE_DRIVE {
  ULONGLONG Magic;
  BOOLEAN Mounted;
  ULONGLONG Key;
  ULONGLONG ProtectedFrom;  // bytes from the start of the disk
  ULONGLONG ProtectedTo;    // behind the last one
} ONE_DRIVE, *PONE_DRIVE;

typedef struct _ONE_DUMP_CONFIG {
  PONE_DRIVE Drive;
  ULONG HardwareEncryption;
} ONE_DUMP_CONFIG;

// ---- the filter ----

static PONE_DRIVE FilterDrive;
static FIELD_SCRATCH FilterScratch;
static LONGLONG FilterPartitionStart;
static LONG FilterWrites;

static NTSTATUS OneStart(PFILTER_EXTENSION FilterExtension) {
  UNREFERENCED_PARAMETER(FilterExtension);
  if (FilterDrive->Magic != ONE_MAGIC) KeBugCheckEx(SECURITY_SYSTEM, __LINE__, ONE_BUGCHECK, 0, 0);
  return FilterDrive->Mounted ? STATUS_SUCCESS : STATUS_UNSUCCESSFUL;
}

static NTSTATUS OneWrite(PFILTER_EXTENSION FilterExtension, PLARGE_INTEGER DiskByteOffset, PMDL Mdl) {
  ULONG Length = MmGetMdlByteCount(Mdl);
  ULONGLONG From = (ULONGLONG)(FilterPartitionStart + DiskByteOffset->QuadPart);
  ULONGLONG First = max(From, FilterDrive->ProtectedFrom);
  ULONGLONG Last = min(From + Length, FilterDrive->ProtectedTo);
  CSHORT Flags = Mdl->MdlFlags;
  PVOID Bytes;
  UNREFERENCED_PARAMETER(FilterExtension);

  if (Length > FilterScratch.Length) KeBugCheckEx(SECURITY_SYSTEM, __LINE__, Length, FilterScratch.Length, 0);
  if ((Length | (ULONGLONG)DiskByteOffset->QuadPart) % FIELD_SECTOR != 0)
    KeBugCheckEx(SECURITY_SYSTEM, __LINE__, Length, (ULONG_PTR)DiskByteOffset->QuadPart, 0);
  Bytes = MmGetSystemAddressForMdlSafe(Mdl, HighPagePriority);
  if (Bytes == NULL) KeBugCheckEx(SECURITY_SYSTEM, __LINE__, (ULONG_PTR)Mdl, 0, 0);

  RtlCopyMemory(FilterScratch.Bytes, Bytes, Length);
  if (First < Last) {
    PUCHAR Part = FilterScratch.Bytes + (ULONG)(First - From);
    FieldTransform(FilterDrive->Key, First / FIELD_SECTOR, Part, Part, (ULONG)(Last - First));
  }

  MmInitializeMdl(Mdl, FilterScratch.Bytes, Length);
  MmBuildMdlForNonPagedPool(Mdl);
  // Some miniports look at one of these flags and no other.
  Mdl->MdlFlags = Flags;
  InterlockedIncrement(&FilterWrites);
  return STATUS_SUCCESS;
}

static NTSTATUS OneFinish(PFILTER_EXTENSION FilterExtension) {
  UNREFERENCED_PARAMETER(FilterExtension);
  return STATUS_SUCCESS;
}

static NTSTATUS OneUnload(PFILTER_EXTENSION FilterExtension) {
  UNREFERENCED_PARAMETER(FilterExtension);
  FieldFreeScratch(&FilterScratch);
  return STATUS_SUCCESS;
}

static NTSTATUS OneFilterEntry(PFILTER_EXTENSION FilterExtension, PFILTER_INITIALIZATION_DATA InitializationData) {
  ONE_DUMP_CONFIG Config;
  STORAGE_DEVICE_NUMBER Number;
  ULONG_PTR Given;
  NTSTATUS Status;

  InitializationData->MajorVersion = 1;
  InitializationData->MinorVersion = DUMP_FILTER_MINOR_VERSION;
  InitializationData->Flags |= DUMP_FILTER_CRITICAL;
  Status = FieldAsk(ONE_DEVICE, ONE_IOCTL_DUMP_CONFIG, &Config, sizeof(Config), &Given);
  if (!NT_SUCCESS(Status)) return Status;
  if (Given != sizeof(Config) || Config.Drive == NULL || Config.Drive->Magic != ONE_MAGIC) {
    return STATUS_INVALID_PARAMETER;
  }
  if (InitializationData->MaxPagesPerWrite == 0) return STATUS_INVALID_PARAMETER;
  FilterDrive = Config.Drive;
  Status = FieldDeviceControl(FilterExtension->DeviceObject, IOCTL_STORAGE_GET_DEVICE_NUMBER, NULL, 0, &Number,
                              sizeof(Number), NULL);
  if (!NT_SUCCESS(Status)) return Status;
  Status = FieldPartitionStart(FilterExtension->DeviceObject, &FilterPartitionStart);
  if (!NT_SUCCESS(Status)) return Status;
  Status = FieldMakeScratch(&FilterScratch, InitializationData->MaxPagesPerWrite);
  if (!NT_SUCCESS(Status)) return Status;

  InitializationData->DumpStart = OneStart;
  InitializationData->DumpWrite = OneWrite;
  InitializationData->DumpFinish = OneFinish;
  InitializationData->DumpUnload = OneUnload;
  DbgPrint("one_image: filter of disk %u, partition at 0x%I64x\n", Number.DeviceNumber, FilterPartitionStart);
  return STATUS_SUCCESS;
}

// ---- the main driver ----

static NTSTATUS OneControl(PDEVICE_OBJECT DeviceObject, PIRP Irp) {
  PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
  ULONG Room = Stack->Parameters.DeviceIoControl.OutputBufferLength;
  switch (Stack->Parameters.DeviceIoControl.IoControlCode) {
    case ONE_IOCTL_VERSION:
      if (Room < sizeof(LONG)) return FieldComplete(Irp, STATUS_BUFFER_TOO_SMALL, 0);
      *(LONG*)Irp->AssociatedIrp.SystemBuffer = ONE_VERSION;
      return FieldComplete(Irp, STATUS_SUCCESS, sizeof(LONG));
    case ONE_IOCTL_DUMP_CONFIG: {
      ONE_DUMP_CONFIG* Config = (ONE_DUMP_CONFIG*)Irp->AssociatedIrp.SystemBuffer;
      if (Room < sizeof(*Config)) return FieldComplete(Irp, STATUS_BUFFER_TOO_SMALL, 0);
      Config->Drive = (PONE_DRIVE)DeviceObject->DeviceExtension;
      Config->HardwareEncryption = 0;
      return FieldComplete(Irp, STATUS_SUCCESS, sizeof(*Config));
    }
    default:
      return FieldComplete(Irp, STATUS_INVALID_DEVICE_REQUEST, 0);
  }
}

static NTSTATUS OneOpenClose(PDEVICE_OBJECT DeviceObject, PIRP Irp) {
  UNREFERENCED_PARAMETER(DeviceObject);
  return FieldComplete(Irp, STATUS_SUCCESS, 0);
}

static VOID OneDriverUnload(PDRIVER_OBJECT DriverObject) {
  UNICODE_STRING Link;
  RtlInitUnicodeString(&Link, ONE_LINK);
  IoDeleteSymbolicLink(&Link);
  IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath) {
  UNICODE_STRING Name, Link;
  PDEVICE_OBJECT Device;
  PONE_DRIVE Drive;
  ULONG Version = 0;
  NTSTATUS Status;

  if (NT_SUCCESS(FieldAsk(ONE_DEVICE, ONE_IOCTL_VERSION, &Version, sizeof(Version), NULL))) {
    if (Version != ONE_VERSION) return STATUS_REVISION_MISMATCH;
    return OneFilterEntry((PFILTER_EXTENSION)(PVOID)DriverObject, (PFILTER_INITIALIZATION_DATA)(PVOID)RegistryPath);
  }

  RtlInitUnicodeString(&Name, ONE_DEVICE);
  RtlInitUnicodeString(&Link, ONE_LINK);
  Status = IoCreateDevice(DriverObject, sizeof(ONE_DRIVE), &Name, FILE_DEVICE_UNKNOWN, FILE_DEVICE_SECURE_OPEN, FALSE,
                          &Device);
  if (!NT_SUCCESS(Status)) return Status;
  Status = IoCreateSymbolicLink(&Link, &Name);
  if (!NT_SUCCESS(Status)) {
    IoDeleteDevice(Device);
    return Status;
  }
  Drive = (PONE_DRIVE)Device->DeviceExtension;
  Drive->Magic = ONE_MAGIC;
  Drive->Mounted = TRUE;
  Drive->Key = 0x0123456789ABCDEFull;
  Drive->ProtectedFrom = 0;
  Drive->ProtectedTo = 0x7FFFFFFFFFFFFFFFull;
  DriverObject->MajorFunction[IRP_MJ_CREATE] = OneOpenClose;
  DriverObject->MajorFunction[IRP_MJ_CLEANUP] = OneOpenClose;
  DriverObject->MajorFunction[IRP_MJ_CLOSE] = OneOpenClose;
  DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = OneControl;
  DriverObject->DriverUnload = OneDriverUnload;
  Device->Flags &= ~DO_DEVICE_INITIALIZING;
  DbgPrint("one_image: main driver at %wZ\n", RegistryPath);
  return STATUS_SUCCESS;
}
