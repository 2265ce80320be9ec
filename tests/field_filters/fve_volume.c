// SPDX-License-Identifier: Apache-2.0
//
// The volume's driver beside bitlocker_style: says that the volume is protected and with which key, and decrypts what
// is read, as the driver does that the next boot reads the dump through. Writes of a running system are of no interest
// here: passed.
#include "field.h"

#define FVE_IOCTL_PROTECTION CTL_CODE('F', 0x21, METHOD_BUFFERED, FILE_READ_ACCESS)
#define FVE_KEY 0x0F1E2D3C4B5A6978ull

static PDEVICE_OBJECT Lower;

static NTSTATUS FvePass(PDEVICE_OBJECT DeviceObject, PIRP Irp) {
  UNREFERENCED_PARAMETER(DeviceObject);
  IoSkipCurrentIrpStackLocation(Irp);
  return IoCallDriver(Lower, Irp);
}

static NTSTATUS FveReadDone(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context) {
  PUCHAR Bytes = (PUCHAR)MmGetSystemAddressForMdlSafe(Irp->MdlAddress, NormalPagePriority);
  LONGLONG Offset = IoGetCurrentIrpStackLocation(Irp)->Parameters.Read.ByteOffset.QuadPart;
  UNREFERENCED_PARAMETER(DeviceObject);
  UNREFERENCED_PARAMETER(Context);
  if (Irp->PendingReturned) IoMarkIrpPending(Irp);
  if (NT_SUCCESS(Irp->IoStatus.Status) && Bytes != NULL) {
    FieldTransform(FVE_KEY, (ULONGLONG)Offset / FIELD_SECTOR, Bytes, Bytes, (ULONG)Irp->IoStatus.Information);
  }
  return STATUS_SUCCESS;
}

static NTSTATUS FveRead(PDEVICE_OBJECT DeviceObject, PIRP Irp) {
  UNREFERENCED_PARAMETER(DeviceObject);
  IoCopyCurrentIrpStackLocationToNext(Irp);
  IoSetCompletionRoutine(Irp, FveReadDone, NULL, TRUE, TRUE, TRUE);
  return IoCallDriver(Lower, Irp);
}

static NTSTATUS FveControl(PDEVICE_OBJECT DeviceObject, PIRP Irp) {
  PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
  if (Stack->Parameters.DeviceIoControl.IoControlCode != FVE_IOCTL_PROTECTION) return FvePass(DeviceObject, Irp);
  if (Stack->Parameters.DeviceIoControl.OutputBufferLength < sizeof(ULONGLONG)) {
    return FieldComplete(Irp, STATUS_BUFFER_TOO_SMALL, 0);
  }
  *(ULONGLONG*)Irp->AssociatedIrp.SystemBuffer = FVE_KEY;
  return FieldComplete(Irp, STATUS_SUCCESS, sizeof(ULONGLONG));
}

static NTSTATUS FveAddDevice(PDRIVER_OBJECT DriverObject, PDEVICE_OBJECT PhysicalDeviceObject) {
  PDEVICE_OBJECT Device;
  NTSTATUS Status = IoCreateDevice(DriverObject, 0, NULL, FILE_DEVICE_DISK, 0, FALSE, &Device);
  if (!NT_SUCCESS(Status)) return Status;
  Lower = IoAttachDeviceToDeviceStack(Device, PhysicalDeviceObject);
  if (Lower == NULL) {
    IoDeleteDevice(Device);
    return STATUS_NO_SUCH_DEVICE;
  }
  Device->Flags |= Lower->Flags & (DO_DIRECT_IO | DO_BUFFERED_IO | DO_POWER_PAGABLE);
  Device->Flags &= ~DO_DEVICE_INITIALIZING;
  return STATUS_SUCCESS;
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath) {
  UNREFERENCED_PARAMETER(RegistryPath);
  for (ULONG Major = 0; Major <= IRP_MJ_MAXIMUM_FUNCTION; ++Major) DriverObject->MajorFunction[Major] = FvePass;
  DriverObject->MajorFunction[IRP_MJ_READ] = FveRead;
  DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = FveControl;
  DriverObject->DriverExtension->AddDevice = FveAddDevice;
  return STATUS_SUCCESS;
}
