// SPDX-License-Identifier: Apache-2.0
// What DumpFilter.c needs of the product's main driver, without compiling all of that: the entry, two helpers, a
// global.
#include "DumpFilter.h"

BOOL VaultPagingBlocked = FALSE;

NTSTATUS VaultDeviceIoControl(PDEVICE_OBJECT deviceObject, ULONG code, void* input, ULONG inputSize, void* output,
                              ULONG outputSize) {
  KEVENT event;
  IO_STATUS_BLOCK iosb;
  PIRP irp;
  KeInitializeEvent(&event, NotificationEvent, FALSE);
  irp = IoBuildDeviceIoControlRequest(code, deviceObject, input, inputSize, output, outputSize, FALSE, &event, &iosb);
  if (irp == NULL) return STATUS_INSUFFICIENT_RESOURCES;
  if (IoCallDriver(deviceObject, irp) == STATUS_PENDING)
    KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, NULL);
  return iosb.Status;
}

NTSTATUS VaultSendLocal(PWSTR deviceName, ULONG code, void* output, ULONG outputSize) {
  UNICODE_STRING name;
  PFILE_OBJECT file;
  PDEVICE_OBJECT device;
  NTSTATUS status;
  RtlInitUnicodeString(&name, deviceName);
  status = IoGetDeviceObjectPointer(&name, FILE_READ_DATA, &file, &device);
  if (!NT_SUCCESS(status)) return status;
  status = VaultDeviceIoControl(device, code, NULL, 0, output, outputSize);
  ObDereferenceObject(file);
  return status;
}

NTSTATUS DriverEntry(PFILTER_EXTENSION filterExtension, PFILTER_INITIALIZATION_DATA filterInitData) {
  return VaultDumpFilterEntry(filterExtension, filterInitData);
}
