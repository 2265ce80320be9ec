// SPDX-License-Identifier: Apache-2.0
//
// A dump filter as its author would write it: parameters from the registry, the partition asked from the device,
// scratch memory, a write that retargets the MDL. Compiled only, to hold the headers to what such a source needs.
#include <ntdddump.h>
#include <ntddk.h>
#include <ntstrsafe.h>

#define SCRATCH_PAGES 16
DUMP_START SampleStart;
DUMP_WRITE SampleWrite;
DUMP_FINISH SampleFinish;
DUMP_UNLOAD SampleUnload;

typedef struct _SAMPLE_CONTEXT {
  PVOID Scratch;
  PMDL ScratchMdl;
  LONGLONG PartitionOffset;
  volatile LONG Writes;
  UCHAR Key;
} SAMPLE_CONTEXT, *PSAMPLE_CONTEXT;

static NTSTATUS QueryPartition(__in PDEVICE_OBJECT Device, __out PLARGE_INTEGER Start) {
  PARTITION_INFORMATION_EX Info;
  IO_STATUS_BLOCK Iosb;
  KEVENT Event;
  PIRP Irp;
  NTSTATUS Status;

  KeInitializeEvent(&Event, NotificationEvent, FALSE);
  Irp = IoBuildDeviceIoControlRequest(IOCTL_DISK_GET_PARTITION_INFO_EX, Device, NULL, 0, &Info, sizeof(Info), FALSE,
                                      &Event, &Iosb);
  if (Irp == NULL) {
    return STATUS_INSUFFICIENT_RESOURCES;
  }
  Status = IoCallDriver(Device, Irp);
  if (Status == STATUS_PENDING) {
    KeWaitForSingleObject(&Event, Executive, KernelMode, FALSE, NULL);
    Status = Iosb.Status;
  }
  *Start = Info.StartingOffset;
  return Status;
}

static NTSTATUS ReadKey(UCHAR* Key) {
  UNICODE_STRING Name = RTL_CONSTANT_STRING(L"Key"), Path;
  OBJECT_ATTRIBUTES Attributes;
  UCHAR Buffer[sizeof(KEY_VALUE_PARTIAL_INFORMATION) + 16];
  PKEY_VALUE_PARTIAL_INFORMATION Value = (PKEY_VALUE_PARTIAL_INFORMATION)(void*)Buffer;
  WCHAR Text[64];
  HANDLE Handle;
  ULONG Length;
  NTSTATUS Status;

  RtlStringCchCopyW(Text, ARRAYSIZE(Text), L"\\Registry\\Machine\\System\\CurrentControlSet\\Services\\sample");
  RtlInitUnicodeString(&Path, Text);
  InitializeObjectAttributes(&Attributes, &Path, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, NULL, NULL);
  Status = ZwOpenKey(&Handle, KEY_READ, &Attributes);
  if (NT_SUCCESS(Status)) {
    Status = ZwQueryValueKey(Handle, &Name, KeyValuePartialInformation, Value, sizeof(Buffer), &Length);
    *Key = (UCHAR)(NT_SUCCESS(Status) && Value->DataLength != 0 ? Value->Data[0] : wcslen(Text));
    ZwClose(Handle);
  }
  return Status;
}

NTSTATUS SampleStart(PFILTER_EXTENSION FilterExtension) {
  KdPrint(("sample: start, dump type %d\n", FilterExtension->DumpType));
  return FilterExtension->DumpData != NULL ? STATUS_SUCCESS : STATUS_FVE_NOT_ENCRYPTED;
}

_Use_decl_annotations_ NTSTATUS SampleWrite(PFILTER_EXTENSION FilterExtension, PLARGE_INTEGER DiskByteOffset,
                                            PMDL Mdl) {
  PSAMPLE_CONTEXT Context = (PSAMPLE_CONTEXT)FilterExtension->DumpData;
  PUCHAR Source = (PUCHAR)MmGetSystemAddressForMdlSafe(Mdl, NormalPagePriority | MdlMappingNoExecute);
  PUCHAR Target = (PUCHAR)Context->Scratch;
  ULONG Count = MmGetMdlByteCount(Mdl), Pages = ADDRESS_AND_SIZE_TO_SPAN_PAGES(Target, Count), Index;

  if (Source == NULL || Count > SCRATCH_PAGES * PAGE_SIZE || (DiskByteOffset->QuadPart & 511) != 0) {
    KeBugCheckEx(SECURITY_SYSTEM, (ULONG_PTR)Mdl, DiskByteOffset->LowPart, Count, 0);
  }
  for (Index = 0; Index < Count; Index++) {
    Target[Index] = (UCHAR)(Source[Index] ^ Context->Key);
  }
  RtlCopyMemory(MmGetMdlPfnArray(Mdl), MmGetMdlPfnArray(Context->ScratchMdl), Pages * sizeof(PFN_NUMBER));
  Mdl->MappedSystemVa = Mdl->StartVa = Context->Scratch;
  Mdl->ByteOffset = 0;
  InterlockedIncrement(&Context->Writes);
  return STATUS_SUCCESS;
}

NTSTATUS SampleFinish(PFILTER_EXTENSION FilterExtension) {
  UNREFERENCED_PARAMETER(FilterExtension);
  return STATUS_SUCCESS;
}

NTSTATUS SampleUnload(PFILTER_EXTENSION FilterExtension) {
  PSAMPLE_CONTEXT Context = (PSAMPLE_CONTEXT)FilterExtension->DumpData;
  PAGED_CODE();
  IoFreeMdl(Context->ScratchMdl);
  RtlSecureZeroMemory(Context->Scratch, SCRATCH_PAGES * PAGE_SIZE);
  MmFreeContiguousMemory(Context->Scratch);
  ExFreePoolWithTag(Context, 'lpmS');
  FilterExtension->DumpData = NULL;
  return STATUS_SUCCESS;
}

EXTERN_C NTSTATUS DriverEntry(PFILTER_EXTENSION Extension, PFILTER_INITIALIZATION_DATA Data);
NTSTATUS DriverEntry(PFILTER_EXTENSION Extension, PFILTER_INITIALIZATION_DATA Data) {
  PHYSICAL_ADDRESS Highest;
  LARGE_INTEGER Start;
  PSAMPLE_CONTEXT Context;

  Data->MajorVersion = DUMP_FILTER_MAJOR_VERSION;
  Data->MinorVersion = DUMP_FILTER_MINOR_VERSION;
  Data->Flags |= DUMP_FILTER_CRITICAL;
  Data->DumpStart = SampleStart;
  Data->DumpWrite = SampleWrite;
  Data->DumpFinish = SampleFinish;
  Data->DumpUnload = SampleUnload;
  Highest.QuadPart = 0x7FFFFFFFFFFLL;
  Context = (PSAMPLE_CONTEXT)ExAllocatePoolZero(NonPagedPoolNx, sizeof(*Context), 'lpmS');
  if (Context == NULL || !NT_SUCCESS(QueryPartition(Extension->DeviceObject, &Start)) ||
      !NT_SUCCESS(ReadKey(&Context->Key))) {
    return STATUS_UNSUCCESSFUL;
  }
  Context->PartitionOffset = Start.QuadPart;
  Context->Scratch = MmAllocateContiguousMemory(SCRATCH_PAGES * PAGE_SIZE, Highest);
  Context->ScratchMdl = IoAllocateMdl(Context->Scratch, SCRATCH_PAGES * PAGE_SIZE, FALSE, FALSE, NULL);
  if (Context->Scratch == NULL || Context->ScratchMdl == NULL) {
    return STATUS_INSUFFICIENT_RESOURCES;
  }
  MmBuildMdlForNonPagedPool(Context->ScratchMdl);
  Data->DumpData = Context;
  return STATUS_SUCCESS;
}
