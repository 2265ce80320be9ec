// SPDX-License-Identifier: Apache-2.0
//
// What the ordinary drivers of this folder do right, so that each source shows the one thing it does wrong: a device
// \Device\Bad that can be opened, answers a request and goes with its driver. A second copy of the image, in its role
// as a dump filter, asks it: DriverEntry tells by opening the device which one it is.
#ifndef BAD_FILTERS_MAIN_DRIVER_H
#define BAD_FILTERS_MAIN_DRIVER_H

#include <ntddk.h>

#include <ntdddump.h>

#define IOCTL_BAD CTL_CODE(FILE_DEVICE_UNKNOWN, 0x801, METHOD_BUFFERED, FILE_ANY_ACCESS)

static UNICODE_STRING BadDeviceName __attribute__((unused)) = RTL_CONSTANT_STRING(L"\\Device\\Bad");

static inline NTSTATUS BadComplete(PIRP Irp, NTSTATUS Status, ULONG_PTR Information) {
  Irp->IoStatus.Status = Status;
  Irp->IoStatus.Information = Information;
  IoCompleteRequest(Irp, IO_NO_INCREMENT);
  return Status;
}

static inline NTSTATUS BadOpen(PDEVICE_OBJECT DeviceObject, PIRP Irp) {
  UNREFERENCED_PARAMETER(DeviceObject);
  return BadComplete(Irp, STATUS_SUCCESS, 0);
}

static inline VOID BadDriverUnload(PDRIVER_OBJECT DriverObject) {
  IoDeleteDevice(DriverObject->DeviceObject);
}

// A driver that does everything right but for what `Control` does.
static inline NTSTATUS BadCreate(PDRIVER_OBJECT DriverObject, PDRIVER_DISPATCH Control) {
  PDEVICE_OBJECT Device = NULL;
  NTSTATUS Status =
      IoCreateDevice(DriverObject, 0, &BadDeviceName, FILE_DEVICE_UNKNOWN, FILE_DEVICE_SECURE_OPEN, FALSE, &Device);
  if (!NT_SUCCESS(Status)) return Status;
  DriverObject->MajorFunction[IRP_MJ_CREATE] = BadOpen;
  DriverObject->MajorFunction[IRP_MJ_CLEANUP] = BadOpen;
  DriverObject->MajorFunction[IRP_MJ_CLOSE] = BadOpen;
  DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = Control;
  DriverObject->DriverUnload = BadDriverUnload;
  return STATUS_SUCCESS;
}

// The filter's role: ask for `Length` bytes of answer, whatever comes back, and let the dump pass.
static inline NTSTATUS BadAsk(PDEVICE_OBJECT Device, PVOID Answer, ULONG Length) {
  KEVENT Event;
  IO_STATUS_BLOCK IoStatus;
  KeInitializeEvent(&Event, NotificationEvent, FALSE);
  PIRP Irp = IoBuildDeviceIoControlRequest(IOCTL_BAD, Device, NULL, 0, Answer, Length, FALSE, &Event, &IoStatus);
  if (Irp == NULL) return STATUS_INSUFFICIENT_RESOURCES;
  NTSTATUS Status = IoCallDriver(Device, Irp);
  if (Status == STATUS_PENDING) {
    KeWaitForSingleObject(&Event, Executive, KernelMode, FALSE, NULL);
    Status = IoStatus.Status;
  }
  return Status;
}

// DriverEntry of either role.
static inline NTSTATUS BadEntry(PVOID First, PDRIVER_DISPATCH Control) {
  UCHAR Answer[16];
  PFILE_OBJECT File = NULL;
  PDEVICE_OBJECT Device = NULL;
  if (!NT_SUCCESS(IoGetDeviceObjectPointer(&BadDeviceName, FILE_READ_DATA, &File, &Device))) {
    return BadCreate((PDRIVER_OBJECT)First, Control);
  }
  BadAsk(Device, Answer, sizeof(Answer));
  ObDereferenceObject(File);
  return STATUS_SUCCESS;
}

#endif  // BAD_FILTERS_MAIN_DRIVER_H
