// SPDX-License-Identifier: Apache-2.0
//
// Breaks irp.pending-mismatch: it returns STATUS_PENDING for a request that it has not marked pending.
#include "main_driver.h"

static NTSTATUS PendUnmarked(PDEVICE_OBJECT DeviceObject, PIRP Irp) {
  UNREFERENCED_PARAMETER(DeviceObject);
  BadComplete(Irp, STATUS_SUCCESS, 0);
  return STATUS_PENDING;
}

NTSTATUS DriverEntry(PVOID First, PVOID Second) {
  UNREFERENCED_PARAMETER(Second);
  return BadEntry(First, PendUnmarked);
}
