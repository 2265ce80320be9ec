// SPDX-License-Identifier: Apache-2.0
//
// Breaks object.link-left: the link to its device stays when the device goes.
#include "main_driver.h"

static UNICODE_STRING BadLinkName = RTL_CONSTANT_STRING(L"\\DosDevices\\Bad");

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath) {
  UNREFERENCED_PARAMETER(RegistryPath);
  NTSTATUS Status = BadCreate(DriverObject, BadOpen);
  if (NT_SUCCESS(Status)) Status = IoCreateSymbolicLink(&BadLinkName, &BadDeviceName);
  return Status;
}
