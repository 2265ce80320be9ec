// SPDX-License-Identifier: Apache-2.0
//
// Sits on the dump volume and says what it is asked and told of power, as a driver does that wipes keys before the
// machine hibernates. With the parameter Refuse it does not let it happen.
#include "main_driver.h"

static ULONG Refuse;

static NTSTATUS OnPower(PDEVICE_OBJECT DeviceObject, PIRP Irp) {
  PDEVICE_OBJECT Lower = *(PDEVICE_OBJECT*)DeviceObject->DeviceExtension;
  PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
  if (Stack->MajorFunction == IRP_MJ_POWER) {
    DbgPrint("%s to system state %u\n", Stack->MinorFunction == IRP_MN_QUERY_POWER ? "asked" : "told",
             (unsigned)Stack->Parameters.Power.State.SystemState);
    PoStartNextPowerIrp(Irp);
    if (Refuse && Stack->MinorFunction == IRP_MN_QUERY_POWER) return BadComplete(Irp, STATUS_DEVICE_BUSY, 0);
    IoSkipCurrentIrpStackLocation(Irp);
    return PoCallDriver(Lower, Irp);
  }
  if (Stack->MajorFunction == IRP_MJ_PNP && Stack->MinorFunction == IRP_MN_DEVICE_USAGE_NOTIFICATION) {
    DbgPrint("usage %u, in path %u\n", (unsigned)Stack->Parameters.UsageNotification.Type,
             (unsigned)Stack->Parameters.UsageNotification.InPath);
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
  RTL_QUERY_REGISTRY_TABLE Table[2];
  UNREFERENCED_PARAMETER(RegistryPath);
  RtlZeroMemory(Table, sizeof(Table));
  Table[0].Flags = RTL_QUERY_REGISTRY_DIRECT;
  Table[0].Name = (PWSTR)L"Refuse";
  Table[0].EntryContext = &Refuse;
  Table[0].DefaultType = REG_NONE;
  RtlQueryRegistryValues(RTL_REGISTRY_SERVICES, L"driver_power\\Parameters", Table, NULL, NULL);
  for (ULONG i = 0; i <= IRP_MJ_MAXIMUM_FUNCTION; ++i) DriverObject->MajorFunction[i] = OnPower;
  DriverObject->DriverExtension->AddDevice = AddDevice;
  return STATUS_SUCCESS;
}
