// SPDX-License-Identifier: Apache-2.0
// Reads the first sector of its volume by an IRP, in DriverEntry, where that is right, and again in DumpStart, where
// nobody is left to answer.
#include <ntdddump.h>
#include <ntddk.h>

static NTSTATUS ReadFirst(PDEVICE_OBJECT Volume) {
  static UCHAR Sector[512];
  IO_STATUS_BLOCK Io;
  LARGE_INTEGER Start = {{0}};
  KEVENT Event;
  PIRP Irp;
  NTSTATUS Status;
  KeInitializeEvent(&Event, NotificationEvent, FALSE);
  Irp = IoBuildSynchronousFsdRequest(IRP_MJ_READ, Volume, Sector, sizeof(Sector), &Start, &Event, &Io);
  if (Irp == NULL) return STATUS_INSUFFICIENT_RESOURCES;
  Status = IoCallDriver(Volume, Irp);
  if (Status == STATUS_PENDING) {
    KeWaitForSingleObject(&Event, Executive, KernelMode, FALSE, NULL);
    Status = Io.Status;
  }
  return Status;
}

static NTSTATUS Dump_Start(PFILTER_EXTENSION FilterExtension) {
  DbgPrint("in a crash %x\n", ReadFirst(FilterExtension->DeviceObject));
  return STATUS_SUCCESS;
}

NTSTATUS DriverEntry(PFILTER_EXTENSION FilterExtension, PFILTER_INITIALIZATION_DATA FilterInitialization) {
  FilterInitialization->DumpStart = Dump_Start;
  DbgPrint("while it loads %x\n", ReadFirst(FilterExtension->DeviceObject));
  return STATUS_SUCCESS;
}
