// SPDX-License-Identifier: Apache-2.0
// The main driver's side of the conversation and nothing else: an ordinary driver that makes the device and answers the
// two requests that the filter sends.
#include "Defs.h"

static VaultBootDrive BootDrive;

static NTSTATUS Answer(PDEVICE_OBJECT deviceObject, PIRP irp) {
  PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(irp);
  (void)deviceObject;
  irp->IoStatus.Status = STATUS_SUCCESS;
  irp->IoStatus.Information = 0;
  if (stack->MajorFunction == IRP_MJ_DEVICE_CONTROL) {
    if (stack->Parameters.DeviceIoControl.IoControlCode == VAULT_IOCTL_GET_DRIVER_VERSION) {
      *(uint32*)irp->AssociatedIrp.SystemBuffer = VAULT_DRIVER_VERSION;
      irp->IoStatus.Information = sizeof(uint32);
    } else if (stack->Parameters.DeviceIoControl.IoControlCode == VAULT_IOCTL_GET_BOOT_DRIVE) {
      *(VaultBootDrive**)irp->AssociatedIrp.SystemBuffer = &BootDrive;
      irp->IoStatus.Information = sizeof(VaultBootDrive*);
    } else {
      irp->IoStatus.Status = STATUS_INVALID_DEVICE_REQUEST;
    }
  }
  NTSTATUS status = irp->IoStatus.Status;
  IoCompleteRequest(irp, IO_NO_INCREMENT);
  return status;
}

NTSTATUS DriverEntry(PDRIVER_OBJECT driverObject, PUNICODE_STRING registryPath) {
  UNICODE_STRING name;
  PDEVICE_OBJECT device;
  (void)registryPath;
  BootDrive.MagicNumber = VAULT_BOOT_DRIVE_MAGIC;
  BootDrive.DriveMounted = TRUE;
  BootDrive.EncryptedAreaEnd = 0x7FFFFFFFFFFFFFFF;
  RtlFillMemory(BootDrive.MasterKey, sizeof(BootDrive.MasterKey), 0x5A);
  driverObject->MajorFunction[IRP_MJ_CREATE] = Answer;
  driverObject->MajorFunction[IRP_MJ_CLEANUP] = Answer;
  driverObject->MajorFunction[IRP_MJ_CLOSE] = Answer;
  driverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = Answer;
  RtlInitUnicodeString(&name, VAULT_DEVICE_NAME);
  return IoCreateDevice(driverObject, 0, &name, FILE_DEVICE_UNKNOWN, 0, FALSE, &device);
}
