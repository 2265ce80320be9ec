// SPDX-License-Identifier: Apache-2.0
//
// Breaks object.device-left: its DriverUnload forgets the device, which leads to where the driver was from then on.
#include "main_driver.h"

static VOID ForgetfulUnload(PDRIVER_OBJECT DriverObject) {
  UNREFERENCED_PARAMETER(DriverObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath) {
  UNREFERENCED_PARAMETER(RegistryPath);
  NTSTATUS Status = BadCreate(DriverObject, BadOpen);
  DriverObject->DriverUnload = ForgetfulUnload;
  return Status;
}
