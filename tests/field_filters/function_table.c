// SPDX-License-Identifier: Apache-2.0
//
// Main driver and filter in one image; the filter fetches a table of *function pointers* into the other copy through a
// METHOD_NEITHER IOCTL, which the main driver answers only to kernel callers and writes straight to the caller's
// buffer. [seen: DiskCryptor] DumpStart says STATUS_FVE_NOT_ENCRYPTED when there is nothing to protect and then expects
// to be called on; every other trouble stops the machine. The table's DumpFinish wipes the keys.
#include "field.h"

#define TABLE_DEVICE L"\\Device\\FieldTable"
#define TABLE_VERSION 846
#define TABLE_IOCTL_VERSION CTL_CODE(FILE_DEVICE_UNKNOWN, 0, METHOD_BUFFERED, FILE_ANY_ACCESS)
#define TABLE_IOCTL_HELPERS CTL_CODE(FILE_DEVICE_UNKNOWN, 31, METHOD_NEITHER, FILE_ANY_ACCESS)

typedef struct _TABLE_HELPERS {
  NTSTATUS (*Start)(PLARGE_INTEGER PartitionStart);
  VOID (*Finish)(VOID);
  VOID (*Encrypt)(ULONGLONG Unit, const VOID* From, PVOID To, ULONG Length);
  BOOLEAN (*IsHibernationAllowed)(VOID);
} TABLE_HELPERS, *PTABLE_HELPERS;

// ---- the filter ----

static TABLE_HELPERS Helpers;
static FIELD_SCRATCH Scratch;
static LARGE_INTEGER PartitionStart;
static BOOLEAN NothingToProtect;
static BOOLEAN Finished;

static DECLSPEC_NORETURN VOID TableStop(ULONG Line, ULONG_PTR What) {
  KeBugCheckEx((ULONG)STATUS_ENCRYPTION_FAILED, Line, What, 0, 0);
}

static NTSTATUS TableStart(PFILTER_EXTENSION FilterExtension) {
  NTSTATUS Status;
  UNREFERENCED_PARAMETER(FilterExtension);
  Status = Helpers.Start(&PartitionStart);
  if (Status == STATUS_FVE_NOT_ENCRYPTED) {
    NothingToProtect = TRUE;
    return Status;
  }
  if (!NT_SUCCESS(Status)) TableStop(__LINE__, (ULONG_PTR)Status);
  return STATUS_SUCCESS;
}

static NTSTATUS TableWrite(PFILTER_EXTENSION FilterExtension, PLARGE_INTEGER DiskByteOffset, PMDL Mdl) {
  ULONG Length;
  UNREFERENCED_PARAMETER(FilterExtension);
  if (NothingToProtect) return STATUS_SUCCESS;
  if (DiskByteOffset == NULL || Mdl == NULL) TableStop(__LINE__, 0);
  Length = MmGetMdlByteCount(Mdl);
  if (Length > Scratch.Length) TableStop(__LINE__, Length);
  if ((Mdl->MdlFlags & MDL_MAPPED_TO_SYSTEM_VA) == 0) TableStop(__LINE__, (ULONG_PTR)(USHORT)Mdl->MdlFlags);
  if (((ULONGLONG)DiskByteOffset->QuadPart | Length) % FIELD_SECTOR != 0) TableStop(__LINE__, Length);
  // The unit is counted within the partition, from 1.
  Helpers.Encrypt((ULONGLONG)DiskByteOffset->QuadPart / FIELD_SECTOR + 1, FieldMdlBytes(Mdl), Scratch.Bytes, Length);
  FieldPointAt(Mdl, &Scratch);
  return STATUS_SUCCESS;
}

static NTSTATUS TableFinish(PFILTER_EXTENSION FilterExtension) {
  UNREFERENCED_PARAMETER(FilterExtension);
  if (!NothingToProtect) Helpers.Finish();
  Finished = TRUE;
  return STATUS_SUCCESS;
}

static NTSTATUS TableUnload(PFILTER_EXTENSION FilterExtension) {
  UNREFERENCED_PARAMETER(FilterExtension);
  FieldFreeScratch(&Scratch);
  return STATUS_SUCCESS;
}

// METHOD_NEITHER: the output buffer is handed over as it is.
static NTSTATUS TableFilterEntry(PDEVICE_OBJECT Main, PFILTER_EXTENSION FilterExtension,
                                 PFILTER_INITIALIZATION_DATA InitializationData) {
  ULONG Version = 0;
  LONGLONG Start;
  NTSTATUS Status;
  InitializationData->MajorVersion = 1;
  InitializationData->Flags |= DUMP_FILTER_CRITICAL;
  if (InitializationData->MaxPagesPerWrite == 0) return STATUS_INVALID_PARAMETER;
  if (FilterExtension->DumpType != DumpTypeCrashdump && FilterExtension->DumpType != DumpTypeHibernation) {
    return STATUS_INVALID_PARAMETER;
  }
  Status = FieldDeviceControl(Main, TABLE_IOCTL_VERSION, NULL, 0, &Version, sizeof(Version), NULL);
  if (!NT_SUCCESS(Status)) return Status;
  if (Version != TABLE_VERSION) return STATUS_REVISION_MISMATCH;
  Status = FieldDeviceControl(Main, TABLE_IOCTL_HELPERS, NULL, 0, &Helpers, sizeof(Helpers), NULL);
  if (!NT_SUCCESS(Status)) return Status;
  if (FilterExtension->DumpType == DumpTypeHibernation && !Helpers.IsHibernationAllowed()) return STATUS_UNSUCCESSFUL;
  Status = FieldPartitionStart(FilterExtension->DeviceObject, &Start);
  if (!NT_SUCCESS(Status)) return Status;
  PartitionStart.QuadPart = Start;
  Status = FieldMakeScratch(&Scratch, InitializationData->MaxPagesPerWrite + 1);
  if (!NT_SUCCESS(Status)) return Status;
  InitializationData->DumpStart = TableStart;
  InitializationData->DumpWrite = TableWrite;
  InitializationData->DumpFinish = TableFinish;
  InitializationData->DumpUnload = TableUnload;
  return STATUS_SUCCESS;
}

// ---- the main driver ----

static ULONGLONG Key;

static NTSTATUS MainStart(PLARGE_INTEGER Start) {
  UNREFERENCED_PARAMETER(Start);
  return Key == 0 ? STATUS_FVE_NOT_ENCRYPTED : STATUS_SUCCESS;
}

// The stack's log still goes through the filter after this, where there is one: it is written with a key of zeros then.
static VOID MainFinish(VOID) {
  RtlSecureZeroMemory(&Key, sizeof(Key));
}

static VOID MainEncrypt(ULONGLONG Unit, const VOID* From, PVOID To, ULONG Length) {
  FieldTransform(Key, Unit, From, To, Length);
}

static BOOLEAN MainIsHibernationAllowed(VOID) {
  return TRUE;
}

static NTSTATUS MainControl(PDEVICE_OBJECT DeviceObject, PIRP Irp) {
  PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
  ULONG Room = Stack->Parameters.DeviceIoControl.OutputBufferLength;
  UNREFERENCED_PARAMETER(DeviceObject);
  switch (Stack->Parameters.DeviceIoControl.IoControlCode) {
    case TABLE_IOCTL_VERSION:
      if (Room < sizeof(ULONG)) return FieldComplete(Irp, STATUS_INVALID_PARAMETER, 0);
      *(ULONG*)Irp->AssociatedIrp.SystemBuffer = TABLE_VERSION;
      return FieldComplete(Irp, STATUS_SUCCESS, sizeof(ULONG));
    case TABLE_IOCTL_HELPERS: {
      PTABLE_HELPERS Table = (PTABLE_HELPERS)Irp->UserBuffer;
      if (Irp->RequestorMode != KernelMode) return FieldComplete(Irp, STATUS_ACCESS_DENIED, 0);
      if (Table == NULL || Room < sizeof(*Table)) return FieldComplete(Irp, STATUS_INVALID_PARAMETER, 0);
      Table->Start = MainStart;
      Table->Finish = MainFinish;
      Table->Encrypt = MainEncrypt;
      Table->IsHibernationAllowed = MainIsHibernationAllowed;
      return FieldComplete(Irp, STATUS_SUCCESS, sizeof(*Table));
    }
    default:
      return FieldComplete(Irp, STATUS_INVALID_DEVICE_REQUEST, 0);
  }
}

static NTSTATUS MainOpenClose(PDEVICE_OBJECT DeviceObject, PIRP Irp) {
  UNREFERENCED_PARAMETER(DeviceObject);
  return FieldComplete(Irp, STATUS_SUCCESS, 0);
}

static VOID MainUnload(PDRIVER_OBJECT DriverObject) {
  RtlSecureZeroMemory(&Key, sizeof(Key));
  IoDeleteDevice(DriverObject->DeviceObject);
}

// Parameters\Key, 0 where there is none: then no volume is mounted.
static VOID MainReadKey(PUNICODE_STRING RegistryPath) {
  RTL_QUERY_REGISTRY_TABLE Table[3];
  ULONG Value = 0;
  RtlZeroMemory(Table, sizeof(Table));
  Table[0].Flags = RTL_QUERY_REGISTRY_SUBKEY;
  Table[0].Name = (PWSTR)L"Parameters";
  Table[1].Flags = RTL_QUERY_REGISTRY_DIRECT;
  Table[1].Name = (PWSTR)L"Key";
  Table[1].EntryContext = &Value;
  if (NT_SUCCESS(RtlQueryRegistryValues(RTL_REGISTRY_ABSOLUTE, RegistryPath->Buffer, Table, NULL, NULL))) Key = Value;
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath) {
  UNICODE_STRING Name;
  PFILE_OBJECT File;
  PDEVICE_OBJECT Device;
  ULONG Major = 0, Minor, Build;
  NTSTATUS Status;

  PsGetVersion(&Major, &Minor, &Build, NULL);
  RtlInitUnicodeString(&Name, TABLE_DEVICE);
  if (Major >= 6 && NT_SUCCESS(IoGetDeviceObjectPointer(&Name, GENERIC_ALL, &File, &Device))) {
    Status = TableFilterEntry(Device, (PFILTER_EXTENSION)(PVOID)DriverObject,
                              (PFILTER_INITIALIZATION_DATA)(PVOID)RegistryPath);
    ObDereferenceObject(File);
    return Status;
  }
  MainReadKey(RegistryPath);
  Status = IoCreateDevice(DriverObject, 0, &Name, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device);
  if (!NT_SUCCESS(Status)) return Status;
  DriverObject->MajorFunction[IRP_MJ_CREATE] = MainOpenClose;
  DriverObject->MajorFunction[IRP_MJ_CLEANUP] = MainOpenClose;
  DriverObject->MajorFunction[IRP_MJ_CLOSE] = MainOpenClose;
  DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = MainControl;
  DriverObject->DriverUnload = MainUnload;
  Device->Flags &= ~DO_DEVICE_INITIALIZING;
  return STATUS_SUCCESS;
}
