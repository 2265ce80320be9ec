// SPDX-License-Identifier: Apache-2.0
//
// Its DriverEntry fails when everything is made, and takes back what it made: an outcome, and no violation.
#include "main_driver.h"

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath) {
  UNREFERENCED_PARAMETER(RegistryPath);
  NTSTATUS Status = BadCreate(DriverObject, BadOpen);
  if (NT_SUCCESS(Status)) IoDeleteDevice(DriverObject->DeviceObject);
  return STATUS_DEVICE_NOT_READY;
}
