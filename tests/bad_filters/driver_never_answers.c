// SPDX-License-Identifier: Apache-2.0
//
// Marks a request pending and forgets it: who waits for the answer waits for ever.
#include "main_driver.h"

static NTSTATUS Forget(PDEVICE_OBJECT DeviceObject, PIRP Irp) {
  UNREFERENCED_PARAMETER(DeviceObject);
  IoMarkIrpPending(Irp);
  return STATUS_PENDING;
}

NTSTATUS DriverEntry(PVOID First, PVOID Second) {
  UNREFERENCED_PARAMETER(Second);
  return BadEntry(First, Forget);
}
