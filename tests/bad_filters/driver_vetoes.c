// SPDX-License-Identifier: Apache-2.0
//
// Sits on the dump volume and does not let it hold a dump file: the way in which an encryption driver refuses to have
// memory written by a filter that it does not trust. Everything else it passes on.
#include "main_driver.h"

static NTSTATUS VetoUsage(PDEVICE_OBJECT DeviceObject, PIRP Irp) {
  PDEVICE_OBJECT Lower = *(PDEVICE_OBJECT*)DeviceObject->DeviceExtension;
  PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
  if (Stack->MajorFunction == IRP_MJ_PNP && Stack->MinorFunction == IRP_MN_DEVICE_USAGE_NOTIFICATION &&
      Stack->Parameters.UsageNotification.InPath) {
    return BadComplete(Irp, STATUS_UNSUCCESSFUL, 0);
  }
  IoSkipCurrentIrpStackLocation(Irp);
  return IoCallDriver(Lower, Irp);
}

static NTSTATUS AddDevice(PDRIVER_OBJECT DriverObject, PDEVICE_OBJECT PhysicalDeviceObject) {
  PDEVICE_OBJECT Device = NULL;
  NTSTATUS Status = IoCreateDevice(DriverObject, sizeof(PDEVICE_OBJECT), NULL, FILE_DEVICE_DISK, 0, FALSE, &Device);
  if (!NT_SUCCESS(Status)) return Status;
  *(PDEVICE_OBJECT*)Device->DeviceExtension = IoAttachDeviceToDeviceStack(Device, PhysicalDeviceObject);
  Device->Flags |= DO_DIRECT_IO | DO_POWER_PAGABLE;
  Device->Flags &= ~(ULONG)DO_DEVICE_INITIALIZING;
  return STATUS_SUCCESS;
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath) {
  UNREFERENCED_PARAMETER(RegistryPath);
  for (ULONG i = 0; i <= IRP_MJ_MAXIMUM_FUNCTION; ++i) DriverObject->MajorFunction[i] = VetoUsage;
  DriverObject->DriverExtension->AddDevice = AddDevice;
  return STATUS_SUCCESS;
}
