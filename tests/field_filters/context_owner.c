// SPDX-License-Identifier: Apache-2.0
//
// The main driver beside context_filter: owns the keys, hands a pointer to them out through a METHOD_BUFFERED IOCTL.
// Its own file, because many products have two images.
#include "context_owner.h"

static PCONTEXT_SHARED Shared;

static NTSTATUS OwnerControl(PDEVICE_OBJECT DeviceObject, PIRP Irp) {
  PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
  UNREFERENCED_PARAMETER(DeviceObject);
  if (Stack->Parameters.DeviceIoControl.IoControlCode != CONTEXT_IOCTL_GET) {
    return FieldComplete(Irp, STATUS_INVALID_DEVICE_REQUEST, 0);
  }
  if (Irp->RequestorMode != KernelMode) return FieldComplete(Irp, STATUS_ACCESS_DENIED, 0);
  if (Stack->Parameters.DeviceIoControl.OutputBufferLength < sizeof(PVOID)) {
    return FieldComplete(Irp, STATUS_BUFFER_TOO_SMALL, 0);
  }
  InterlockedIncrement(&Shared->Filters);
  *(PCONTEXT_SHARED*)Irp->AssociatedIrp.SystemBuffer = Shared;
  return FieldComplete(Irp, STATUS_SUCCESS, sizeof(PVOID));
}

static NTSTATUS OwnerOpenClose(PDEVICE_OBJECT DeviceObject, PIRP Irp) {
  UNREFERENCED_PARAMETER(DeviceObject);
  return FieldComplete(Irp, STATUS_SUCCESS, 0);
}

static VOID OwnerUnload(PDRIVER_OBJECT DriverObject) {
  IoDeleteDevice(DriverObject->DeviceObject);
  RtlSecureZeroMemory(Shared, sizeof(*Shared));
  ExFreePoolWithTag(Shared, FIELD_TAG);
}

// The key is a REG_QWORD of the service's Parameters.
static NTSTATUS OwnerReadKey(PUNICODE_STRING RegistryPath, ULONGLONG* Key) {
  OBJECT_ATTRIBUTES Attributes;
  UNICODE_STRING Name;
  HANDLE Service, Parameters;
  UCHAR Buffer[sizeof(KEY_VALUE_PARTIAL_INFORMATION) + sizeof(ULONGLONG)];
  PKEY_VALUE_PARTIAL_INFORMATION Value = (PKEY_VALUE_PARTIAL_INFORMATION)(PVOID)Buffer;
  ULONG Length;
  NTSTATUS Status;
  InitializeObjectAttributes(&Attributes, RegistryPath, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, NULL, NULL);
  Status = ZwOpenKey(&Service, KEY_READ, &Attributes);
  if (!NT_SUCCESS(Status)) return Status;
  RtlInitUnicodeString(&Name, L"Parameters");
  InitializeObjectAttributes(&Attributes, &Name, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, Service, NULL);
  Status = ZwOpenKey(&Parameters, KEY_READ, &Attributes);
  if (NT_SUCCESS(Status)) {
    RtlInitUnicodeString(&Name, L"Key");
    Status = ZwQueryValueKey(Parameters, &Name, KeyValuePartialInformation, Value, sizeof(Buffer), &Length);
    if (NT_SUCCESS(Status)) {
      if (Value->Type == REG_QWORD && Value->DataLength == sizeof(*Key)) {
        RtlCopyMemory(Key, Value->Data, sizeof(*Key));
      } else {
        Status = STATUS_OBJECT_TYPE_MISMATCH;
      }
    }
    ZwClose(Parameters);
  }
  ZwClose(Service);
  return Status;
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath) {
  UNICODE_STRING Name;
  PDEVICE_OBJECT Device;
  NTSTATUS Status;
  Shared = (PCONTEXT_SHARED)ExAllocatePoolWithTag(NonPagedPoolNx, sizeof(*Shared), FIELD_TAG);
  if (Shared == NULL) return STATUS_INSUFFICIENT_RESOURCES;
  RtlZeroMemory(Shared, sizeof(*Shared));
  Shared->Magic = CONTEXT_MAGIC;
  Status = OwnerReadKey(RegistryPath, &Shared->Key);
  if (NT_SUCCESS(Status)) {
    RtlInitUnicodeString(&Name, CONTEXT_DEVICE);
    Status = IoCreateDevice(DriverObject, 0, &Name, FILE_DEVICE_UNKNOWN, FILE_DEVICE_SECURE_OPEN, FALSE, &Device);
  }
  if (!NT_SUCCESS(Status)) {
    ExFreePoolWithTag(Shared, FIELD_TAG);
    return Status;
  }
  DriverObject->MajorFunction[IRP_MJ_CREATE] = OwnerOpenClose;
  DriverObject->MajorFunction[IRP_MJ_CLEANUP] = OwnerOpenClose;
  DriverObject->MajorFunction[IRP_MJ_CLOSE] = OwnerOpenClose;
  DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = OwnerControl;
  DriverObject->DriverUnload = OwnerUnload;
  Device->Flags &= ~DO_DEVICE_INITIALIZING;
  return STATUS_SUCCESS;
}
