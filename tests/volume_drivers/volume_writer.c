// SPDX-License-Identifier: Apache-2.0
//
// Writes a sector through the top of the volume's device stack, reads it back the same way, and looks at what lies on
// the disk: what a file system does to an encrypting driver below it, and what a thief would see.
#include <ntddk.h>

#include <ntdddisk.h>

#define WRITER_OFFSET 65536
#define WRITER_LENGTH 4096

static NTSTATUS Transfer(UCHAR Function, PDEVICE_OBJECT Device, PVOID Buffer, LONGLONG Offset) {
  KEVENT Event;
  IO_STATUS_BLOCK Result;
  LARGE_INTEGER Start;
  PIRP Irp;
  NTSTATUS Status;
  Start.QuadPart = Offset;
  KeInitializeEvent(&Event, NotificationEvent, FALSE);
  Irp = IoBuildSynchronousFsdRequest(Function, Device, Buffer, Buffer == NULL ? 0 : WRITER_LENGTH, &Start, &Event,
                                     &Result);
  if (Irp == NULL) return STATUS_INSUFFICIENT_RESOURCES;
  Status = IoCallDriver(Device, Irp);
  if (Status == STATUS_PENDING) {
    KeWaitForSingleObject(&Event, Executive, KernelMode, FALSE, NULL);
    Status = Result.Status;
  }
  return Status;
}

static LONGLONG PartitionStart(PDEVICE_OBJECT Volume) {
  KEVENT Event;
  IO_STATUS_BLOCK Result;
  PARTITION_INFORMATION_EX Partition;
  PIRP Irp;
  KeInitializeEvent(&Event, NotificationEvent, FALSE);
  Irp = IoBuildDeviceIoControlRequest(IOCTL_DISK_GET_PARTITION_INFO_EX, Volume, NULL, 0, &Partition, sizeof(Partition),
                                      FALSE, &Event, &Result);
  if (Irp == NULL || !NT_SUCCESS(IoCallDriver(Volume, Irp))) return -1;
  return Partition.StartingOffset.QuadPart;
}

static BOOLEAN AllAre(const UCHAR* Bytes, UCHAR Value) {
  for (ULONG i = 0; i < WRITER_LENGTH; ++i) {
    if (Bytes[i] != Value) return FALSE;
  }
  return TRUE;
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath) {
  UNICODE_STRING VolumeName = RTL_CONSTANT_STRING(L"\\DosDevices\\C:");
  UNICODE_STRING DiskName = RTL_CONSTANT_STRING(L"\\Device\\Harddisk0\\Partition0");
  PFILE_OBJECT VolumeFile = NULL, DiskFile = NULL;
  PDEVICE_OBJECT Volume = NULL, Disk = NULL;
  PUCHAR Buffer;
  UNREFERENCED_PARAMETER(DriverObject);
  UNREFERENCED_PARAMETER(RegistryPath);
  NTSTATUS Status = IoGetDeviceObjectPointer(&VolumeName, FILE_READ_DATA, &VolumeFile, &Volume);
  if (!NT_SUCCESS(Status)) return Status;
  Status = IoGetDeviceObjectPointer(&DiskName, FILE_READ_DATA, &DiskFile, &Disk);
  Buffer = (PUCHAR)ExAllocatePoolWithTag(NonPagedPoolNx, WRITER_LENGTH, 'tirW');
  if (NT_SUCCESS(Status) && Buffer != NULL) {
    LONGLONG Start = PartitionStart(Volume);
    RtlFillMemory(Buffer, WRITER_LENGTH, 0x5A);
    Status = Transfer(IRP_MJ_WRITE, Volume, Buffer, WRITER_OFFSET);
    DbgPrint("write: 0x%08x, the caller's bytes are %s\n", Status, AllAre(Buffer, 0x5A) ? "untouched" : "changed");
    Status = Transfer(IRP_MJ_FLUSH_BUFFERS, Volume, NULL, 0);
    DbgPrint("flush: 0x%08x\n", Status);
    RtlZeroMemory(Buffer, WRITER_LENGTH);
    Status = Transfer(IRP_MJ_READ, Volume, Buffer, WRITER_OFFSET);
    DbgPrint("read: 0x%08x, %s\n", Status, AllAre(Buffer, 0x5A) ? "what was written" : "something else");
    RtlZeroMemory(Buffer, WRITER_LENGTH);
    Status = Transfer(IRP_MJ_READ, Disk, Buffer, Start + WRITER_OFFSET);
    DbgPrint("on the disk: 0x%08x, %s\n", Status,
             AllAre(Buffer, 0x5A) ? "in clear"
             : AllAre(Buffer, 0)  ? "nothing"
                                  : "encrypted");
  }
  if (Buffer != NULL) ExFreePoolWithTag(Buffer, 'tirW');
  if (DiskFile != NULL) ObDereferenceObject(DiskFile);
  ObDereferenceObject(VolumeFile);
  return Status;
}
