// SPDX-License-Identifier: Apache-2.0
//
// Breaks irp.status-mismatch: it says success and has completed the request with an error.
#include "main_driver.h"

static NTSTATUS SayOtherwise(PDEVICE_OBJECT DeviceObject, PIRP Irp) {
  UNREFERENCED_PARAMETER(DeviceObject);
  BadComplete(Irp, STATUS_ACCESS_DENIED, 0);
  return STATUS_SUCCESS;
}

NTSTATUS DriverEntry(PVOID First, PVOID Second) {
  UNREFERENCED_PARAMETER(Second);
  return BadEntry(First, SayOtherwise);
}
