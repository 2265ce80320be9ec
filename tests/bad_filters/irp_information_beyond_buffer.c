// SPDX-License-Identifier: Apache-2.0
//
// Breaks irp.information-beyond-buffer: it answers with all that it could say, whatever room there is.
#include "main_driver.h"

static NTSTATUS SayTooMuch(PDEVICE_OBJECT DeviceObject, PIRP Irp) {
  PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
  UNREFERENCED_PARAMETER(DeviceObject);
  return BadComplete(Irp, STATUS_SUCCESS, Stack->Parameters.DeviceIoControl.OutputBufferLength + 64);
}

NTSTATUS DriverEntry(PVOID First, PVOID Second) {
  UNREFERENCED_PARAMETER(Second);
  return BadEntry(First, SayTooMuch);
}
