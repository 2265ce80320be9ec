// SPDX-License-Identifier: Apache-2.0
//
// Moves every write by a fixed distance, as filters in the field do for volumes with a remapped area: the contents of a
// hidden system, or of the sectors a product has put its own header over, live elsewhere on the partition. The
// interface forbids changing DiskByteOffset and the stack honours it all the same, passing the same variable to the
// next filter and to the port. There is no read callback: the port has read by then, from the offset it was told, so a
// filter that moves writes cannot move reads. A dump written through this filter is recovered raw, by whoever knows the
// distance.
#include <ntddk.h>

#include <ntdddisk.h>
#include <ntdddump.h>

#define REMAP_TAG 'mrXD'

// Parameter 1 of the bug check: where it was found. Parameters 2 and 3 are the values in question.
#define REMAP_BUGCHECK 0x0000E0F3
typedef enum _REMAP_ANOMALY {
  RemapNotPrepared = 1,
  RemapOutsidePartition = 2,
} REMAP_ANOMALY;

typedef struct _REMAP_CONTEXT {
  LONGLONG Delta;            // bytes added to every offset; a multiple of the sector size, may be negative
  LONGLONG PartitionLength;  // bytes
} REMAP_CONTEXT, *PREMAP_CONTEXT;

static DUMP_START RemapStart;
static DUMP_WRITE RemapWrite;
static DUMP_FINISH RemapFinish;
static DUMP_UNLOAD RemapUnload;

static NTSTATUS RemapStart(PFILTER_EXTENSION FilterExtension) {
  return FilterExtension->DumpData != NULL ? STATUS_SUCCESS : STATUS_UNSUCCESSFUL;
}

static NTSTATUS RemapWrite(PFILTER_EXTENSION FilterExtension, PLARGE_INTEGER DiskByteOffset, PMDL Mdl) {
  PREMAP_CONTEXT Context = (PREMAP_CONTEXT)FilterExtension->DumpData;
  LONGLONG Moved;
  if (Context == NULL) {
    KeBugCheckEx(REMAP_BUGCHECK, RemapNotPrepared, (ULONG_PTR)FilterExtension, 0, 0);
  }
  // Both are below the partition's length, which leaves the sum far from overflow. Writing beyond the partition would
  // destroy somebody else's; not writing at all is worse only for the dump.
  Moved = DiskByteOffset->QuadPart + Context->Delta;
  if (Moved < 0 || Moved > Context->PartitionLength - (LONGLONG)MmGetMdlByteCount(Mdl)) {
    KeBugCheckEx(REMAP_BUGCHECK, RemapOutsidePartition, (ULONG_PTR)DiskByteOffset->QuadPart, (ULONG_PTR)Context->Delta,
                 0);
  }
  DiskByteOffset->QuadPart = Moved;
  return STATUS_SUCCESS;
}

static NTSTATUS RemapFinish(PFILTER_EXTENSION FilterExtension) {
  UNREFERENCED_PARAMETER(FilterExtension);
  return STATUS_SUCCESS;
}

static NTSTATUS RemapUnload(PFILTER_EXTENSION FilterExtension) {
  if (FilterExtension->DumpData != NULL) ExFreePoolWithTag(FilterExtension->DumpData, REMAP_TAG);
  FilterExtension->DumpData = NULL;
  return STATUS_SUCCESS;
}

static NTSTATUS RemapDeviceControl(_In_ PDEVICE_OBJECT DeviceObject, _In_ ULONG IoControlCode,
                                   _Out_writes_bytes_(OutputLength) PVOID Output, _In_ ULONG OutputLength) {
  KEVENT Event;
  IO_STATUS_BLOCK IoStatus;
  PIRP Irp;
  NTSTATUS Status;

  KeInitializeEvent(&Event, NotificationEvent, FALSE);
  Irp = IoBuildDeviceIoControlRequest(IoControlCode, DeviceObject, NULL, 0, Output, OutputLength, FALSE, &Event,
                                      &IoStatus);
  if (Irp == NULL) return STATUS_INSUFFICIENT_RESOURCES;
  Status = IoCallDriver(DeviceObject, Irp);
  if (Status == STATUS_PENDING) {
    KeWaitForSingleObject(&Event, Executive, KernelMode, FALSE, NULL);
    Status = IoStatus.Status;
  }
  return Status;
}

static NTSTATUS RemapQueryPartitionLength(_In_ PDEVICE_OBJECT DeviceObject, _Out_ PLONGLONG PartitionLength) {
  PARTITION_INFORMATION Information;
  PARTITION_INFORMATION_EX InformationEx;
  NTSTATUS Status = RemapDeviceControl(DeviceObject, IOCTL_DISK_GET_PARTITION_INFO, &Information, sizeof(Information));
  if (NT_SUCCESS(Status)) {
    *PartitionLength = Information.PartitionLength.QuadPart;
    return Status;
  }
  Status = RemapDeviceControl(DeviceObject, IOCTL_DISK_GET_PARTITION_INFO_EX, &InformationEx, sizeof(InformationEx));
  if (NT_SUCCESS(Status)) *PartitionLength = InformationEx.PartitionLength.QuadPart;
  return Status;
}

// REG_QWORD, a two's complement number of bytes; REG_DWORD is taken for small positive ones.
static NTSTATUS RemapQueryDelta(_Out_ PLONGLONG Delta) {
  UNICODE_STRING Path =
      RTL_CONSTANT_STRING(L"\\Registry\\Machine\\System\\CurrentControlSet\\Services\\remap\\Parameters");
  UNICODE_STRING ValueName = RTL_CONSTANT_STRING(L"Delta");
  DECLSPEC_ALIGN(8) UCHAR Buffer[FIELD_OFFSET(KEY_VALUE_PARTIAL_INFORMATION, Data) + sizeof(LONGLONG)];
  PKEY_VALUE_PARTIAL_INFORMATION Information = (PKEY_VALUE_PARTIAL_INFORMATION)(PVOID)Buffer;
  OBJECT_ATTRIBUTES Attributes;
  ULONG ResultLength;
  HANDLE Key;
  NTSTATUS Status;

  InitializeObjectAttributes(&Attributes, &Path, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, NULL, NULL);
  Status = ZwOpenKey(&Key, KEY_READ, &Attributes);
  if (!NT_SUCCESS(Status)) return Status;
  Status = ZwQueryValueKey(Key, &ValueName, KeyValuePartialInformation, Buffer, sizeof(Buffer), &ResultLength);
  ZwClose(Key);
  if (!NT_SUCCESS(Status)) return Status;

  *Delta = 0;
  if ((Information->Type == REG_QWORD && Information->DataLength == sizeof(LONGLONG)) ||
      (Information->Type == REG_DWORD && Information->DataLength == sizeof(LONG))) {
    RtlCopyMemory(Delta, Information->Data, Information->DataLength);
    return STATUS_SUCCESS;
  }
  return STATUS_OBJECT_TYPE_MISMATCH;
}

static NTSTATUS RemapPrepare(_Inout_ PREMAP_CONTEXT Context, _In_ PFILTER_EXTENSION FilterExtension) {
  ULONG BytesPerSector = FilterExtension->Geometry.BytesPerSector;
  NTSTATUS Status = RemapQueryDelta(&Context->Delta);
  if (!NT_SUCCESS(Status)) return Status;
  Status = RemapQueryPartitionLength(FilterExtension->DeviceObject, &Context->PartitionLength);
  if (!NT_SUCCESS(Status)) return Status;
  if (BytesPerSector == 0 || Context->Delta % BytesPerSector != 0 || Context->Delta <= -Context->PartitionLength ||
      Context->Delta >= Context->PartitionLength) {
    return STATUS_INVALID_PARAMETER;
  }
  return STATUS_SUCCESS;
}

NTSTATUS DriverEntry(_In_ PFILTER_EXTENSION FilterExtension, _Inout_ PFILTER_INITIALIZATION_DATA InitializationData) {
  PREMAP_CONTEXT Context;
  NTSTATUS Status;

  // First of all: a dump at the wrong place destroys what is there, so without this filter there must be none.
  InitializationData->Flags |= DUMP_FILTER_CRITICAL;

  Context = (PREMAP_CONTEXT)ExAllocatePoolWithTag(NonPagedPoolNx, sizeof(*Context), REMAP_TAG);
  if (Context == NULL) return STATUS_INSUFFICIENT_RESOURCES;
  RtlZeroMemory(Context, sizeof(*Context));
  Status = RemapPrepare(Context, FilterExtension);
  if (!NT_SUCCESS(Status)) {
    ExFreePoolWithTag(Context, REMAP_TAG);
    return Status;
  }

  InitializationData->DumpData = Context;
  InitializationData->DumpStart = RemapStart;
  InitializationData->DumpWrite = RemapWrite;
  InitializationData->DumpFinish = RemapFinish;
  InitializationData->DumpUnload = RemapUnload;
  return STATUS_SUCCESS;
}
