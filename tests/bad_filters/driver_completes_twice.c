// SPDX-License-Identifier: Apache-2.0
//
// Completes a request twice, as an error path that falls through does.
#include "main_driver.h"

static NTSTATUS CompleteTwice(PDEVICE_OBJECT DeviceObject, PIRP Irp) {
  UNREFERENCED_PARAMETER(DeviceObject);
  IoCompleteRequest(Irp, IO_NO_INCREMENT);
  IoCompleteRequest(Irp, IO_NO_INCREMENT);
  return STATUS_SUCCESS;
}

NTSTATUS DriverEntry(PVOID First, PVOID Second) {
  UNREFERENCED_PARAMETER(Second);
  return BadEntry(First, CompleteTwice);
}
