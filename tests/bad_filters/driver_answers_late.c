// SPDX-License-Identifier: Apache-2.0
//
// Answers after it has said that it will: the filter that asks waits, and gets it.
#include "main_driver.h"

static NTSTATUS AnswerLate(PDEVICE_OBJECT DeviceObject, PIRP Irp) {
  UNREFERENCED_PARAMETER(DeviceObject);
  IoMarkIrpPending(Irp);
  BadComplete(Irp, STATUS_SUCCESS, 0);
  return STATUS_PENDING;
}

NTSTATUS DriverEntry(PVOID First, PVOID Second) {
  UNREFERENCED_PARAMETER(Second);
  return BadEntry(First, AnswerLate);
}
