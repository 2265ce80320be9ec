// SPDX-License-Identifier: Apache-2.0
//
// Sits on the dump volume and keeps whatever it is sent there: the usage notification never comes back, and the machine
// waits for it.
#include "main_driver.h"

static NTSTATUS Keep(PDEVICE_OBJECT DeviceObject, PIRP Irp) {
  UNREFERENCED_PARAMETER(DeviceObject);
  IoMarkIrpPending(Irp);
  return STATUS_PENDING;
}

static NTSTATUS AddDevice(PDRIVER_OBJECT DriverObject, PDEVICE_OBJECT PhysicalDeviceObject) {
  PDEVICE_OBJECT Device = NULL;
  NTSTATUS Status = IoCreateDevice(DriverObject, 0, NULL, FILE_DEVICE_DISK, 0, FALSE, &Device);
  if (!NT_SUCCESS(Status)) return Status;
  IoAttachDeviceToDeviceStack(Device, PhysicalDeviceObject);
  Device->Flags &= ~(ULONG)DO_DEVICE_INITIALIZING;
  return STATUS_SUCCESS;
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath) {
  UNREFERENCED_PARAMETER(RegistryPath);
  DriverObject->MajorFunction[IRP_MJ_PNP] = Keep;
  DriverObject->DriverExtension->AddDevice = AddDevice;
  return STATUS_SUCCESS;
}
