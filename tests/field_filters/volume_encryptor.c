// SPDX-License-Identifier: Apache-2.0
//
// A volume encryptor with its dump filter in one image: attached to the dump volume, it decrypts what is read and
// encrypts what is written, 2048 bytes further on than asked, behind a header of its own; the filter must put the dump
// where the driver will look for it, under the same data units. That the two agree is what an author has to prove: the
// next boot reads the dump through the driver, never through the filter.
#include "field.h"

#define VOL_DEVICE L"\\Device\\FieldVolume"
#define VOL_IOCTL_KEY CTL_CODE(FILE_DEVICE_UNKNOWN, 0x840, METHOD_BUFFERED, FILE_ANY_ACCESS)
#define VOL_HEADER 2048
#define VOL_KEY 0x00C0FFEE00C0FFEEull

// The data unit of a byte of the volume, as the file system counts: both halves of this file use it.
static ULONGLONG UnitOf(LONGLONG VolumeOffset) {
  return (ULONGLONG)VolumeOffset / FIELD_SECTOR;
}

// ---- the filter ----

typedef struct _VOL_KEY_ANSWER {
  ULONGLONG* Key;  // the main driver's own
} VOL_KEY_ANSWER;

static ULONGLONG* FilterKey;
static FIELD_SCRATCH FilterScratch;

static NTSTATUS VolDumpStart(PFILTER_EXTENSION FilterExtension) {
  UNREFERENCED_PARAMETER(FilterExtension);
  return *FilterKey != 0 ? STATUS_SUCCESS : STATUS_UNSUCCESSFUL;
}

static NTSTATUS VolDumpWrite(PFILTER_EXTENSION FilterExtension, PLARGE_INTEGER DiskByteOffset, PMDL Mdl) {
  UNREFERENCED_PARAMETER(FilterExtension);
  if (MmGetMdlByteCount(Mdl) > FilterScratch.Length || (Mdl->MdlFlags & MDL_MAPPED_TO_SYSTEM_VA) == 0) {
    KeBugCheckEx(SECURITY_SYSTEM, __LINE__, MmGetMdlByteCount(Mdl), (ULONG_PTR)(USHORT)Mdl->MdlFlags, 0);
  }
  FieldTransform(*FilterKey, UnitOf(DiskByteOffset->QuadPart), FieldMdlBytes(Mdl), FilterScratch.Bytes,
                 MmGetMdlByteCount(Mdl));
  FieldPointAt(Mdl, &FilterScratch);
  DiskByteOffset->QuadPart += VOL_HEADER;
  return STATUS_SUCCESS;
}

static NTSTATUS VolDumpFinish(PFILTER_EXTENSION FilterExtension) {
  UNREFERENCED_PARAMETER(FilterExtension);
  return STATUS_SUCCESS;
}

static NTSTATUS VolDumpUnload(PFILTER_EXTENSION FilterExtension) {
  UNREFERENCED_PARAMETER(FilterExtension);
  FieldFreeScratch(&FilterScratch);
  return STATUS_SUCCESS;
}

static NTSTATUS VolFilterEntry(PFILTER_INITIALIZATION_DATA InitializationData, const VOL_KEY_ANSWER* Answer) {
  NTSTATUS Status;
  InitializationData->MajorVersion = 1;
  InitializationData->Flags |= DUMP_FILTER_CRITICAL;
  FilterKey = Answer->Key;
  Status = FieldMakeScratch(&FilterScratch, InitializationData->MaxPagesPerWrite + 1);
  if (!NT_SUCCESS(Status)) return Status;
  InitializationData->DumpStart = VolDumpStart;
  InitializationData->DumpWrite = VolDumpWrite;
  InitializationData->DumpFinish = VolDumpFinish;
  InitializationData->DumpUnload = VolDumpUnload;
  return STATUS_SUCCESS;
}

// ---- the driver of the volume ----

typedef struct _VOL_EXTENSION {
  PDEVICE_OBJECT Lower;  // NULL in the control device
  BOOLEAN HoldsDumpFile;
} VOL_EXTENSION, *PVOL_EXTENSION;

static ULONGLONG MainKey;
static PDEVICE_OBJECT ControlDevice;

static PVOL_EXTENSION ExtensionOf(PDEVICE_OBJECT DeviceObject) {
  return (PVOL_EXTENSION)DeviceObject->DeviceExtension;
}

static NTSTATUS VolPass(PDEVICE_OBJECT DeviceObject, PIRP Irp) {
  PVOL_EXTENSION Extension = ExtensionOf(DeviceObject);
  if (Extension->Lower == NULL) return FieldComplete(Irp, STATUS_SUCCESS, 0);
  IoSkipCurrentIrpStackLocation(Irp);
  return IoCallDriver(Extension->Lower, Irp);
}

static NTSTATUS VolReadDone(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context) {
  PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
  UNREFERENCED_PARAMETER(DeviceObject);
  UNREFERENCED_PARAMETER(Context);
  if (Irp->PendingReturned) IoMarkIrpPending(Irp);
  if (NT_SUCCESS(Irp->IoStatus.Status)) {
    PVOID Bytes = MmGetSystemAddressForMdlSafe(Irp->MdlAddress, NormalPagePriority);
    if (Bytes == NULL) {
      Irp->IoStatus.Status = STATUS_INSUFFICIENT_RESOURCES;
      Irp->IoStatus.Information = 0;
    } else {
      FieldTransform(MainKey, UnitOf(Stack->Parameters.Read.ByteOffset.QuadPart), Bytes, Bytes,
                     (ULONG)Irp->IoStatus.Information);
    }
  }
  return STATUS_SUCCESS;
}

static NTSTATUS VolRead(PDEVICE_OBJECT DeviceObject, PIRP Irp) {
  PVOL_EXTENSION Extension = ExtensionOf(DeviceObject);
  if (Extension->Lower == NULL) return FieldComplete(Irp, STATUS_INVALID_DEVICE_REQUEST, 0);
  IoCopyCurrentIrpStackLocationToNext(Irp);
  IoGetNextIrpStackLocation(Irp)->Parameters.Read.ByteOffset.QuadPart += VOL_HEADER;
  IoSetCompletionRoutine(Irp, VolReadDone, NULL, TRUE, TRUE, TRUE);
  return IoCallDriver(Extension->Lower, Irp);
}

// Written from a copy: the caller's pages are the caller's. The copy's own IRP waits for the disk here.
static NTSTATUS VolWrite(PDEVICE_OBJECT DeviceObject, PIRP Irp) {
  PVOL_EXTENSION Extension = ExtensionOf(DeviceObject);
  PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
  ULONG Length = Stack->Parameters.Write.Length;
  LARGE_INTEGER Offset = Stack->Parameters.Write.ByteOffset;
  IO_STATUS_BLOCK Iosb;
  KEVENT Done;
  PVOID From, Copy;
  PIRP Lower;
  NTSTATUS Status;
  if (Extension->Lower == NULL) return FieldComplete(Irp, STATUS_INVALID_DEVICE_REQUEST, 0);
  if (Length == 0) return FieldComplete(Irp, STATUS_SUCCESS, 0);
  From = MmGetSystemAddressForMdlSafe(Irp->MdlAddress, NormalPagePriority);
  Copy = ExAllocatePoolWithTag(NonPagedPoolNx, Length, FIELD_TAG);
  if (From == NULL || Copy == NULL) {
    if (Copy != NULL) ExFreePoolWithTag(Copy, FIELD_TAG);
    return FieldComplete(Irp, STATUS_INSUFFICIENT_RESOURCES, 0);
  }
  FieldTransform(MainKey, UnitOf(Offset.QuadPart), From, Copy, Length);
  Offset.QuadPart += VOL_HEADER;
  KeInitializeEvent(&Done, NotificationEvent, FALSE);
  Lower = IoBuildSynchronousFsdRequest(IRP_MJ_WRITE, Extension->Lower, Copy, Length, &Offset, &Done, &Iosb);
  if (Lower == NULL) {
    ExFreePoolWithTag(Copy, FIELD_TAG);
    return FieldComplete(Irp, STATUS_INSUFFICIENT_RESOURCES, 0);
  }
  Status = IoCallDriver(Extension->Lower, Lower);
  if (Status == STATUS_PENDING) KeWaitForSingleObject(&Done, Executive, KernelMode, FALSE, NULL);
  RtlSecureZeroMemory(Copy, Length);
  ExFreePoolWithTag(Copy, FIELD_TAG);
  return FieldComplete(Irp, Iosb.Status, Iosb.Information);
}

static NTSTATUS VolControl(PDEVICE_OBJECT DeviceObject, PIRP Irp) {
  PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
  VOL_KEY_ANSWER* Answer;
  if (ExtensionOf(DeviceObject)->Lower != NULL) return VolPass(DeviceObject, Irp);
  if (Stack->Parameters.DeviceIoControl.IoControlCode != VOL_IOCTL_KEY) {
    return FieldComplete(Irp, STATUS_INVALID_DEVICE_REQUEST, 0);
  }
  if (Stack->Parameters.DeviceIoControl.OutputBufferLength < sizeof(*Answer)) {
    return FieldComplete(Irp, STATUS_BUFFER_TOO_SMALL, 0);
  }
  Answer = (VOL_KEY_ANSWER*)Irp->AssociatedIrp.SystemBuffer;
  Answer->Key = &MainKey;
  return FieldComplete(Irp, STATUS_SUCCESS, sizeof(*Answer));
}

// The stack tells its volume that a dump or hibernation file is on it; failing this would veto the stack.
static NTSTATUS VolPnp(PDEVICE_OBJECT DeviceObject, PIRP Irp) {
  PVOL_EXTENSION Extension = ExtensionOf(DeviceObject);
  PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
  if (Stack->MinorFunction == IRP_MN_DEVICE_USAGE_NOTIFICATION) {
    Extension->HoldsDumpFile = Stack->Parameters.UsageNotification.InPath;
    Irp->IoStatus.Status = STATUS_SUCCESS;
    DbgPrint("volume_encryptor: usage %d, in path %d\n", (LONG)Stack->Parameters.UsageNotification.Type,
             Stack->Parameters.UsageNotification.InPath);
  }
  return VolPass(DeviceObject, Irp);
}

static NTSTATUS VolAddDevice(PDRIVER_OBJECT DriverObject, PDEVICE_OBJECT PhysicalDeviceObject) {
  PDEVICE_OBJECT Device;
  NTSTATUS Status = IoCreateDevice(DriverObject, sizeof(VOL_EXTENSION), NULL, FILE_DEVICE_DISK, 0, FALSE, &Device);
  if (!NT_SUCCESS(Status)) return Status;
  ExtensionOf(Device)->Lower = IoAttachDeviceToDeviceStack(Device, PhysicalDeviceObject);
  if (ExtensionOf(Device)->Lower == NULL) {
    IoDeleteDevice(Device);
    return STATUS_NO_SUCH_DEVICE;
  }
  Device->Flags |= ExtensionOf(Device)->Lower->Flags & (DO_DIRECT_IO | DO_BUFFERED_IO | DO_POWER_PAGABLE);
  Device->Flags &= ~DO_DEVICE_INITIALIZING;
  return STATUS_SUCCESS;
}

static VOID VolUnload(PDRIVER_OBJECT DriverObject) {
  PDEVICE_OBJECT Device = DriverObject->DeviceObject;
  while (Device != NULL) {
    PDEVICE_OBJECT Next = Device->NextDevice;
    if (ExtensionOf(Device)->Lower != NULL) IoDetachDevice(ExtensionOf(Device)->Lower);
    IoDeleteDevice(Device);
    Device = Next;
  }
  RtlSecureZeroMemory(&MainKey, sizeof(MainKey));
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath) {
  UNICODE_STRING Name;
  VOL_KEY_ANSWER Answer;
  NTSTATUS Status;
  if (NT_SUCCESS(FieldAsk(VOL_DEVICE, VOL_IOCTL_KEY, &Answer, sizeof(Answer), NULL))) {
    return VolFilterEntry((PFILTER_INITIALIZATION_DATA)(PVOID)RegistryPath, &Answer);
  }
  RtlInitUnicodeString(&Name, VOL_DEVICE);
  Status = IoCreateDevice(DriverObject, sizeof(VOL_EXTENSION), &Name, FILE_DEVICE_UNKNOWN, FILE_DEVICE_SECURE_OPEN,
                          FALSE, &ControlDevice);
  if (!NT_SUCCESS(Status)) return Status;
  MainKey = VOL_KEY;
  for (ULONG Major = 0; Major <= IRP_MJ_MAXIMUM_FUNCTION; ++Major) DriverObject->MajorFunction[Major] = VolPass;
  DriverObject->MajorFunction[IRP_MJ_READ] = VolRead;
  DriverObject->MajorFunction[IRP_MJ_WRITE] = VolWrite;
  DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = VolControl;
  DriverObject->MajorFunction[IRP_MJ_PNP] = VolPnp;
  DriverObject->DriverExtension->AddDevice = VolAddDevice;
  DriverObject->DriverUnload = VolUnload;
  ControlDevice->Flags &= ~DO_DEVICE_INITIALIZING;
  return STATUS_SUCCESS;
}
