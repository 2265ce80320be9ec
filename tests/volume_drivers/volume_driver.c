// SPDX-License-Identifier: Apache-2.0
//
// A driver on top of the volume that lets everything pass but reads.
#include <ntddk.h>

typedef struct _EXTENSION {
  PDEVICE_OBJECT Lower;
  PIRP Kept;
  PIO_WORKITEM Item;
  KEVENT Asked;
  KTIMER Timer;
  KDPC Dpc;
} EXTENSION, *PEXTENSION;

static DRIVER_DISPATCH OnPass, OnRead;
static DRIVER_ADD_DEVICE OnAddDevice;

static NTSTATUS OnPass(PDEVICE_OBJECT DeviceObject, PIRP Irp) {
  IoSkipCurrentIrpStackLocation(Irp);
  return IoCallDriver(((PEXTENSION)DeviceObject->DeviceExtension)->Lower, Irp);
}

// Those that keep a read for a while send it on from somewhere else.
#if defined(VOLUME_DRIVER_LATE_THREAD) || defined(VOLUME_DRIVER_LATE_DPC) || defined(VOLUME_DRIVER_LATE_WORK)
#define VOLUME_DRIVER_LATE
static VOID SendOn(PDEVICE_OBJECT DeviceObject) {
  PEXTENSION Extension = (PEXTENSION)DeviceObject->DeviceExtension;
  PIRP Irp = Extension->Kept;
  Extension->Kept = NULL;
  IoSkipCurrentIrpStackLocation(Irp);
  IoCallDriver(Extension->Lower, Irp);
}
#endif
#if defined(VOLUME_DRIVER_LATE_THREAD)
static VOID Run(PVOID Context) {
  PDEVICE_OBJECT DeviceObject = (PDEVICE_OBJECT)Context;
  PEXTENSION Extension = (PEXTENSION)DeviceObject->DeviceExtension;
  for (;;) {
    LARGE_INTEGER Delay;
    KeWaitForSingleObject(&Extension->Asked, Executive, KernelMode, FALSE, NULL);
    Delay.QuadPart = -50 * 10000;  // 50 ms
    KeDelayExecutionThread(KernelMode, FALSE, &Delay);
    SendOn(DeviceObject);
  }
}
#elif defined(VOLUME_DRIVER_LATE_DPC)
static VOID OnDpc(PKDPC Dpc, PVOID Context, PVOID First, PVOID Second) {
  UNREFERENCED_PARAMETER(Dpc);
  UNREFERENCED_PARAMETER(First);
  UNREFERENCED_PARAMETER(Second);
  SendOn((PDEVICE_OBJECT)Context);
}
#elif defined(VOLUME_DRIVER_LATE_WORK)
static VOID OnWork(PDEVICE_OBJECT DeviceObject, PVOID Context) {
  UNREFERENCED_PARAMETER(Context);
  SendOn(DeviceObject);
}
#elif defined(VOLUME_DRIVER_NEVER_BUSY)
static VOID Run(PVOID Context) {
  UNREFERENCED_PARAMETER(Context);
  for (;;) {
    LARGE_INTEGER Delay;
    Delay.QuadPart = -10000000;  // a second
    KeDelayExecutionThread(KernelMode, FALSE, &Delay);
  }
}
#endif

static NTSTATUS OnRead(PDEVICE_OBJECT DeviceObject, PIRP Irp) {
#if defined(VOLUME_DRIVER_LATE)
  PEXTENSION Extension = (PEXTENSION)DeviceObject->DeviceExtension;
  IoMarkIrpPending(Irp);
  Extension->Kept = Irp;
#if defined(VOLUME_DRIVER_LATE_THREAD)
  KeSetEvent(&Extension->Asked, IO_NO_INCREMENT, FALSE);
#elif defined(VOLUME_DRIVER_LATE_DPC)
  LARGE_INTEGER Due;
  Due.QuadPart = -50 * 10000;
  KeSetTimer(&Extension->Timer, Due, &Extension->Dpc);
#else
  IoQueueWorkItem(Extension->Item, OnWork, DelayedWorkQueue, NULL);
#endif
  return STATUS_PENDING;
#elif defined(VOLUME_DRIVER_FAILS)
  UNREFERENCED_PARAMETER(DeviceObject);
  Irp->IoStatus.Status = STATUS_DEVICE_NOT_READY;
  Irp->IoStatus.Information = 0;
  IoCompleteRequest(Irp, IO_NO_INCREMENT);
  return STATUS_DEVICE_NOT_READY;
#elif defined(VOLUME_DRIVER_SHORT)
  UNREFERENCED_PARAMETER(DeviceObject);
  Irp->IoStatus.Status = STATUS_SUCCESS;
  Irp->IoStatus.Information = 512;
  IoCompleteRequest(Irp, IO_NO_INCREMENT);
  return STATUS_SUCCESS;
#elif defined(VOLUME_DRIVER_NEVER) || defined(VOLUME_DRIVER_NEVER_BUSY)
  UNREFERENCED_PARAMETER(DeviceObject);
  IoMarkIrpPending(Irp);
  return STATUS_PENDING;
#elif defined(VOLUME_DRIVER_CRASHES)
  static volatile ULONG_PTR Nowhere = 16;
  *(volatile ULONG*)Nowhere = 1;
  return OnPass(DeviceObject, Irp);
#else
  UNREFERENCED_PARAMETER(DeviceObject);
  KeBugCheckEx(0xE0F8, (ULONG_PTR)Irp, 0, 0, 0);
#endif
}

static NTSTATUS OnAddDevice(PDRIVER_OBJECT DriverObject, PDEVICE_OBJECT PhysicalDeviceObject) {
  PDEVICE_OBJECT Device = NULL;
  NTSTATUS Status =
      IoCreateDevice(DriverObject, sizeof(EXTENSION), NULL, FILE_DEVICE_DISK, FILE_DEVICE_SECURE_OPEN, FALSE, &Device);
  if (!NT_SUCCESS(Status)) return Status;
  PDEVICE_OBJECT Lower = IoAttachDeviceToDeviceStack(Device, PhysicalDeviceObject);
  ((PEXTENSION)Device->DeviceExtension)->Lower = Lower;
#if defined(VOLUME_DRIVER_LATE)
  PEXTENSION Extension = (PEXTENSION)Device->DeviceExtension;
  KeInitializeEvent(&Extension->Asked, SynchronizationEvent, FALSE);
#if defined(VOLUME_DRIVER_LATE_DPC)
  KeInitializeTimer(&Extension->Timer);
  KeInitializeDpc(&Extension->Dpc, OnDpc, Device);
#elif defined(VOLUME_DRIVER_LATE_WORK)
  Extension->Item = IoAllocateWorkItem(Device);
#endif
#endif
#if defined(VOLUME_DRIVER_LATE_THREAD) || defined(VOLUME_DRIVER_NEVER_BUSY)
  HANDLE Thread;
  PsCreateSystemThread(&Thread, THREAD_ALL_ACCESS, NULL, NULL, NULL, Run, Device);
  ZwClose(Thread);
#endif
  Device->Flags |= Lower->Flags & (DO_DIRECT_IO | DO_BUFFERED_IO);
  Device->Flags &= ~(ULONG)DO_DEVICE_INITIALIZING;
  return STATUS_SUCCESS;
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath) {
  UNREFERENCED_PARAMETER(RegistryPath);
  for (ULONG i = 0; i <= IRP_MJ_MAXIMUM_FUNCTION; ++i) DriverObject->MajorFunction[i] = OnPass;
  DriverObject->MajorFunction[IRP_MJ_READ] = OnRead;
  DriverObject->DriverExtension->AddDevice = OnAddDevice;
  return STATUS_SUCCESS;
}
