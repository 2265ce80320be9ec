// SPDX-License-Identifier: Apache-2.0
//
// A driver on top of the volume that lets everything pass but reads.
#include <ntddk.h>

typedef struct _EXTENSION {
  PDEVICE_OBJECT Lower;
} EXTENSION, *PEXTENSION;

static DRIVER_DISPATCH OnPass, OnRead;
static DRIVER_ADD_DEVICE OnAddDevice;

static NTSTATUS OnPass(PDEVICE_OBJECT DeviceObject, PIRP Irp) {
  IoSkipCurrentIrpStackLocation(Irp);
  return IoCallDriver(((PEXTENSION)DeviceObject->DeviceExtension)->Lower, Irp);
}

static NTSTATUS OnRead(PDEVICE_OBJECT DeviceObject, PIRP Irp) {
#if defined(VOLUME_DRIVER_FAILS)
  UNREFERENCED_PARAMETER(DeviceObject);
  Irp->IoStatus.Status = STATUS_DEVICE_NOT_READY;
  Irp->IoStatus.Information = 0;
  IoCompleteRequest(Irp, IO_NO_INCREMENT);
  return STATUS_DEVICE_NOT_READY;
#elif defined(VOLUME_DRIVER_SHORT)
  UNREFERENCED_PARAMETER(DeviceObject);
  Irp->IoStatus.Status = STATUS_SUCCESS;
  Irp->IoStatus.Information = 512;
  IoCompleteRequest(Irp, IO_NO_INCREMENT);
  return STATUS_SUCCESS;
#elif defined(VOLUME_DRIVER_NEVER)
  UNREFERENCED_PARAMETER(DeviceObject);
  IoMarkIrpPending(Irp);
  return STATUS_PENDING;
#elif defined(VOLUME_DRIVER_CRASHES)
  static volatile ULONG_PTR Nowhere = 16;
  *(volatile ULONG*)Nowhere = 1;
  return OnPass(DeviceObject, Irp);
#else
  UNREFERENCED_PARAMETER(DeviceObject);
  KeBugCheckEx(0xE0F8, (ULONG_PTR)Irp, 0, 0, 0);
#endif
}

static NTSTATUS OnAddDevice(PDRIVER_OBJECT DriverObject, PDEVICE_OBJECT PhysicalDeviceObject) {
  PDEVICE_OBJECT Device = NULL;
  NTSTATUS Status =
      IoCreateDevice(DriverObject, sizeof(EXTENSION), NULL, FILE_DEVICE_DISK, FILE_DEVICE_SECURE_OPEN, FALSE, &Device);
  if (!NT_SUCCESS(Status)) return Status;
  PDEVICE_OBJECT Lower = IoAttachDeviceToDeviceStack(Device, PhysicalDeviceObject);
  ((PEXTENSION)Device->DeviceExtension)->Lower = Lower;
  Device->Flags |= Lower->Flags & (DO_DIRECT_IO | DO_BUFFERED_IO);
  Device->Flags &= ~(ULONG)DO_DEVICE_INITIALIZING;
  return STATUS_SUCCESS;
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath) {
  UNREFERENCED_PARAMETER(RegistryPath);
  for (ULONG i = 0; i <= IRP_MJ_MAXIMUM_FUNCTION; ++i) DriverObject->MajorFunction[i] = OnPass;
  DriverObject->MajorFunction[IRP_MJ_READ] = OnRead;
  DriverObject->DriverExtension->AddDevice = OnAddDevice;
  return STATUS_SUCCESS;
}
