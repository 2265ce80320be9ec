// SPDX-License-Identifier: Apache-2.0
//
// A volume encryptor: a driver on top of the volume's device stack. What is read is decrypted where it lies, on its way
// up; what is written is encrypted into a buffer of its own, because the caller's bytes are not the driver's to change.
// Everything else it lets pass, the usage notification of dump files too: its dump filter encrypts what goes there.
#include <ntddk.h>

#include "volume_cipher.h"

typedef struct _VOLUME_EXTENSION {
  PDEVICE_OBJECT Lower;
  ULONGLONG Key;
} VOLUME_EXTENSION, *PVOLUME_EXTENSION;

typedef struct _WRITE_CONTEXT {
  PMDL Original;
  PMDL Mdl;
  UCHAR Bytes[1];
} WRITE_CONTEXT, *PWRITE_CONTEXT;

static DRIVER_DISPATCH OnPass, OnRead, OnWrite, OnPower, OnPnp;
static DRIVER_ADD_DEVICE OnAddDevice;
static DRIVER_UNLOAD OnUnload;
static IO_COMPLETION_ROUTINE ReadDone, WriteDone;

static NTSTATUS Complete(PIRP Irp, NTSTATUS Status) {
  Irp->IoStatus.Status = Status;
  Irp->IoStatus.Information = 0;
  IoCompleteRequest(Irp, IO_NO_INCREMENT);
  return Status;
}

static ULONGLONG SectorOf(LONGLONG Offset) {
  return (ULONGLONG)Offset / VOLUME_CIPHER_SECTOR;
}

static NTSTATUS OnPass(PDEVICE_OBJECT DeviceObject, PIRP Irp) {
  IoSkipCurrentIrpStackLocation(Irp);
  return IoCallDriver(((PVOLUME_EXTENSION)DeviceObject->DeviceExtension)->Lower, Irp);
}

static NTSTATUS OnPower(PDEVICE_OBJECT DeviceObject, PIRP Irp) {
  IoSkipCurrentIrpStackLocation(Irp);
  return PoCallDriver(((PVOLUME_EXTENSION)DeviceObject->DeviceExtension)->Lower, Irp);
}

static VOID Detach(PDEVICE_OBJECT DeviceObject) {
  PVOLUME_EXTENSION Extension = (PVOLUME_EXTENSION)DeviceObject->DeviceExtension;
  IoDetachDevice(Extension->Lower);
  RtlSecureZeroMemory(Extension, sizeof(*Extension));
  IoDeleteDevice(DeviceObject);
}

static NTSTATUS OnPnp(PDEVICE_OBJECT DeviceObject, PIRP Irp) {
  UCHAR Minor = IoGetCurrentIrpStackLocation(Irp)->MinorFunction;
  NTSTATUS Status = OnPass(DeviceObject, Irp);
  if (Minor == IRP_MN_REMOVE_DEVICE) Detach(DeviceObject);
  return Status;
}

// ---- reading: the bytes are there once the drivers below are done ----

static NTSTATUS ReadDone(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context) {
  PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
  UNREFERENCED_PARAMETER(Context);
  if (Irp->PendingReturned) IoMarkIrpPending(Irp);
  if (!NT_SUCCESS(Irp->IoStatus.Status) || Irp->IoStatus.Information == 0) return STATUS_SUCCESS;
  PUCHAR Bytes = (PUCHAR)MmGetSystemAddressForMdlSafe(Irp->MdlAddress, NormalPagePriority);
  if (Bytes == NULL) {
    Irp->IoStatus.Status = STATUS_INSUFFICIENT_RESOURCES;
    Irp->IoStatus.Information = 0;
    return STATUS_SUCCESS;
  }
  VolumeCipher(((PVOLUME_EXTENSION)DeviceObject->DeviceExtension)->Key,
               SectorOf(Stack->Parameters.Read.ByteOffset.QuadPart), Bytes, Bytes, (ULONG)Irp->IoStatus.Information);
  return STATUS_SUCCESS;
}

static NTSTATUS OnRead(PDEVICE_OBJECT DeviceObject, PIRP Irp) {
  IoCopyCurrentIrpStackLocationToNext(Irp);
  IoSetCompletionRoutine(Irp, ReadDone, NULL, TRUE, TRUE, TRUE);
  return IoCallDriver(((PVOLUME_EXTENSION)DeviceObject->DeviceExtension)->Lower, Irp);
}

// ---- writing: from a buffer that goes when the drivers below are done ----

static NTSTATUS WriteDone(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context) {
  PWRITE_CONTEXT Write = (PWRITE_CONTEXT)Context;
  UNREFERENCED_PARAMETER(DeviceObject);
  if (Irp->PendingReturned) IoMarkIrpPending(Irp);
  Irp->MdlAddress = Write->Original;
  IoFreeMdl(Write->Mdl);
  ExFreePoolWithTag(Write, VOLUME_CIPHER_TAG);
  return STATUS_SUCCESS;
}

static NTSTATUS OnWrite(PDEVICE_OBJECT DeviceObject, PIRP Irp) {
  PVOLUME_EXTENSION Extension = (PVOLUME_EXTENSION)DeviceObject->DeviceExtension;
  PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
  ULONG Length = Stack->Parameters.Write.Length;
  PWRITE_CONTEXT Write;
  PUCHAR From;
  if (Length == 0) return OnPass(DeviceObject, Irp);
  From = (PUCHAR)MmGetSystemAddressForMdlSafe(Irp->MdlAddress, NormalPagePriority);
  Write = (PWRITE_CONTEXT)ExAllocatePoolWithTag(NonPagedPoolNx, FIELD_OFFSET(WRITE_CONTEXT, Bytes) + Length,
                                                VOLUME_CIPHER_TAG);
  if (From == NULL || Write == NULL) {
    if (Write != NULL) ExFreePoolWithTag(Write, VOLUME_CIPHER_TAG);
    return Complete(Irp, STATUS_INSUFFICIENT_RESOURCES);
  }
  Write->Mdl = IoAllocateMdl(Write->Bytes, Length, FALSE, FALSE, NULL);
  if (Write->Mdl == NULL) {
    ExFreePoolWithTag(Write, VOLUME_CIPHER_TAG);
    return Complete(Irp, STATUS_INSUFFICIENT_RESOURCES);
  }
  MmBuildMdlForNonPagedPool(Write->Mdl);
  VolumeCipher(Extension->Key, SectorOf(Stack->Parameters.Write.ByteOffset.QuadPart), From, Write->Bytes, Length);
  Write->Original = Irp->MdlAddress;
  Irp->MdlAddress = Write->Mdl;
  IoCopyCurrentIrpStackLocationToNext(Irp);
  IoSetCompletionRoutine(Irp, WriteDone, Write, TRUE, TRUE, TRUE);
  return IoCallDriver(Extension->Lower, Irp);
}

// ---- the driver ----

static NTSTATUS OnAddDevice(PDRIVER_OBJECT DriverObject, PDEVICE_OBJECT PhysicalDeviceObject) {
  PDEVICE_OBJECT Device = NULL;
  PVOLUME_EXTENSION Extension;
  NTSTATUS Status = IoCreateDevice(DriverObject, sizeof(VOLUME_EXTENSION), NULL, FILE_DEVICE_DISK,
                                   FILE_DEVICE_SECURE_OPEN, FALSE, &Device);
  if (!NT_SUCCESS(Status)) return Status;
  Extension = (PVOLUME_EXTENSION)Device->DeviceExtension;
  Status = VolumeCipherReadKey(&Extension->Key);
  if (NT_SUCCESS(Status)) {
    Extension->Lower = IoAttachDeviceToDeviceStack(Device, PhysicalDeviceObject);
    if (Extension->Lower == NULL) Status = STATUS_NO_SUCH_DEVICE;
  }
  if (!NT_SUCCESS(Status)) {
    IoDeleteDevice(Device);
    return Status;
  }
  Device->Flags |= Extension->Lower->Flags & (DO_DIRECT_IO | DO_BUFFERED_IO | DO_POWER_PAGABLE);
  Device->Flags &= ~(ULONG)DO_DEVICE_INITIALIZING;
  return STATUS_SUCCESS;
}

static VOID OnUnload(PDRIVER_OBJECT DriverObject) {
  while (DriverObject->DeviceObject != NULL) Detach(DriverObject->DeviceObject);
}

NTSTATUS DriverEntry(_In_ PDRIVER_OBJECT DriverObject, _In_ PUNICODE_STRING RegistryPath) {
  UNREFERENCED_PARAMETER(RegistryPath);
  for (ULONG i = 0; i <= IRP_MJ_MAXIMUM_FUNCTION; ++i) DriverObject->MajorFunction[i] = OnPass;
  DriverObject->MajorFunction[IRP_MJ_READ] = OnRead;
  DriverObject->MajorFunction[IRP_MJ_WRITE] = OnWrite;
  DriverObject->MajorFunction[IRP_MJ_POWER] = OnPower;
  DriverObject->MajorFunction[IRP_MJ_PNP] = OnPnp;
  DriverObject->DriverExtension->AddDevice = OnAddDevice;
  DriverObject->DriverUnload = OnUnload;
  return STATUS_SUCCESS;
}
