// SPDX-License-Identifier: Apache-2.0
//
// Asks a main driver that is not at hand: opens \Device\Provider, wants a structure with a version, a length and a
// pointer to a context, and looks whether the context is what it should be. Each way of going wrong is another status
// of its DriverEntry. Without the answer it is of no use, and says so without being critical.
#include <ntddk.h>

#include <ntdddump.h>

#define IOCTL_PROVIDER_CONTEXT CTL_CODE(FILE_DEVICE_UNKNOWN, 0x801, METHOD_BUFFERED, FILE_ANY_ACCESS)
#define IOCTL_PROVIDER_DIRECT CTL_CODE(FILE_DEVICE_UNKNOWN, 0x802, METHOD_OUT_DIRECT, FILE_ANY_ACCESS)
#define IOCTL_PROVIDER_NEITHER CTL_CODE(FILE_DEVICE_UNKNOWN, 0x803, METHOD_NEITHER, FILE_ANY_ACCESS)
#define PROVIDER_MAGIC 0x4F52504D

typedef struct _PROVIDER_ANSWER {
  ULONG Version;
  ULONG Size;
  const ULONG* Context;
} PROVIDER_ANSWER;

static NTSTATUS Ask(PDEVICE_OBJECT Device, ULONG Code, PVOID Answer, ULONG Length) {
  KEVENT Event;
  IO_STATUS_BLOCK IoStatus;
  KeInitializeEvent(&Event, NotificationEvent, FALSE);
  PIRP Irp = IoBuildDeviceIoControlRequest(Code, Device, NULL, 0, Answer, Length, FALSE, &Event, &IoStatus);
  if (Irp == NULL) return STATUS_INSUFFICIENT_RESOURCES;
  NTSTATUS Status = IoCallDriver(Device, Irp);
  if (Status == STATUS_PENDING) {
    KeWaitForSingleObject(&Event, Executive, KernelMode, FALSE, NULL);
    Status = IoStatus.Status;
  }
  if (NT_SUCCESS(Status) && IoStatus.Information != Length) return STATUS_INFO_LENGTH_MISMATCH;
  return Status;
}

NTSTATUS DriverEntry(PFILTER_EXTENSION FilterExtension, PFILTER_INITIALIZATION_DATA InitializationData) {
  UNICODE_STRING Name = RTL_CONSTANT_STRING(L"\\Device\\Provider");
  PROVIDER_ANSWER Answer = {0};
  ULONG Word = 0;
  PFILE_OBJECT File = NULL;
  PDEVICE_OBJECT Device = NULL;
  UNREFERENCED_PARAMETER(FilterExtension);
  InitializationData->Flags &= ~(ULONG)DUMP_FILTER_CRITICAL;
  NTSTATUS Status = IoGetDeviceObjectPointer(&Name, FILE_READ_DATA, &File, &Device);
  if (!NT_SUCCESS(Status)) return Status;
  Status = Ask(Device, IOCTL_PROVIDER_CONTEXT, &Answer, sizeof(Answer));
  if (NT_SUCCESS(Status) && (Answer.Version != 1 || Answer.Size != sizeof(Answer))) Status = STATUS_REVISION_MISMATCH;
  if (NT_SUCCESS(Status) && *Answer.Context != PROVIDER_MAGIC) Status = STATUS_DATA_ERROR;
  // The same word through the other two methods, for a provider that has it.
  if (NT_SUCCESS(Status) && Answer.Context[1] != 0) {
    Status = Ask(Device, IOCTL_PROVIDER_DIRECT, &Word, sizeof(Word));
    if (NT_SUCCESS(Status) && Word != PROVIDER_MAGIC) Status = STATUS_DATA_ERROR;
    Word = 0;
    if (NT_SUCCESS(Status)) Status = Ask(Device, IOCTL_PROVIDER_NEITHER, &Word, sizeof(Word));
    if (NT_SUCCESS(Status) && Word != PROVIDER_MAGIC) Status = STATUS_DATA_ERROR;
  }
  ObDereferenceObject(File);
  return Status;
}
