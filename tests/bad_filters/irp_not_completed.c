// SPDX-License-Identifier: Apache-2.0
//
// Breaks irp.not-completed: a request it does not know it refuses by its return value alone.
#include "main_driver.h"

static NTSTATUS RefuseOnly(PDEVICE_OBJECT DeviceObject, PIRP Irp) {
  UNREFERENCED_PARAMETER(DeviceObject);
  UNREFERENCED_PARAMETER(Irp);
  return STATUS_INVALID_DEVICE_REQUEST;
}

NTSTATUS DriverEntry(PVOID First, PVOID Second) {
  UNREFERENCED_PARAMETER(Second);
  return BadEntry(First, RefuseOnly);
}
