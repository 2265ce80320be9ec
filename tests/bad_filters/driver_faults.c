// SPDX-License-Identifier: Apache-2.0
//
// Reads through a null pointer when it is asked: the fault is the main driver'\''s, though a filter was being called.
#include "main_driver.h"

static NTSTATUS Fault(PDEVICE_OBJECT DeviceObject, PIRP Irp) {
  volatile ULONG* Nothing = (volatile ULONG*)DeviceObject->DeviceExtension;
  Irp->IoStatus.Information = *Nothing;
  return BadComplete(Irp, STATUS_SUCCESS, 0);
}

NTSTATUS DriverEntry(PVOID First, PVOID Second) {
  UNREFERENCED_PARAMETER(Second);
  return BadEntry(First, Fault);
}
