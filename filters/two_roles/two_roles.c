// SPDX-License-Identifier: Apache-2.0
//
// One image, two roles, as disk encryption products ship it: an ordinary driver that is there from boot on and knows
// the key, and the dump filter, a copy of the same file that has neither device nor registry to live by. DriverEntry
// finds out which one it is by opening its own device: when that works, another copy has been there before.
//
// The filter asks its main driver for two things. A pointer to the main driver's context comes back through
// METHOD_BUFFERED; a table of functions in the main driver comes through METHOD_NEITHER, straight into the caller's
// structure, which is why that one is answered to kernel mode only. Both stay valid because the main driver never goes
// while dumps are enabled. XOR with a constant protects nothing; put a cipher in Transform().
#include <ntddk.h>

#include <ntdddump.h>

#define TWO_ROLES_TAG 'loRT'
#define TWO_ROLES_VERSION 0x0100
#define TWO_ROLES_MAGIC 0x53454C4F524F5754ULL

#define IOCTL_TWO_ROLES_GET_CONTEXT CTL_CODE(FILE_DEVICE_UNKNOWN, 0x801, METHOD_BUFFERED, FILE_ANY_ACCESS)
#define IOCTL_TWO_ROLES_GET_HELPERS CTL_CODE(FILE_DEVICE_UNKNOWN, 0x802, METHOD_NEITHER, FILE_ANY_ACCESS)

// What the main driver knows. Lives in its device's extension.
typedef struct _MAIN_CONTEXT {
  ULONGLONG Magic;
  ULONGLONG Key;
} MAIN_CONTEXT, *PMAIN_CONTEXT;

typedef struct _CONTEXT_REPLY {
  ULONG Version;
  ULONG Size;
  PMAIN_CONTEXT Context;
} CONTEXT_REPLY, *PCONTEXT_REPLY;

typedef VOID TRANSFORM(PMAIN_CONTEXT Context, LONGLONG PartitionOffset, PUCHAR From, PUCHAR To, ULONG Length);
typedef BOOLEAN IS_READY(PMAIN_CONTEXT Context);
typedef struct _HELPERS {
  IS_READY* IsReady;
  TRANSFORM* Transform;
} HELPERS, *PHELPERS;

static UNICODE_STRING DeviceName = RTL_CONSTANT_STRING(L"\\Device\\TwoRoles");
static UNICODE_STRING LinkName = RTL_CONSTANT_STRING(L"\\DosDevices\\TwoRoles");

// ---- the main driver ----

static BOOLEAN IsReady(PMAIN_CONTEXT Context) {
  return Context->Key != 0;
}

static VOID Transform(PMAIN_CONTEXT Context, LONGLONG PartitionOffset, PUCHAR From, PUCHAR To, ULONG Length) {
  ULONGLONG Unit = (ULONGLONG)PartitionOffset / sizeof(ULONGLONG);
  for (ULONG i = 0; i < Length / sizeof(ULONGLONG); ++i, ++Unit) {
    ((ULONGLONG*)To)[i] = ((ULONGLONG*)From)[i] ^ (Context->Key + Unit);
  }
}

static NTSTATUS Complete(PIRP Irp, NTSTATUS Status, ULONG_PTR Information) {
  Irp->IoStatus.Status = Status;
  Irp->IoStatus.Information = Information;
  IoCompleteRequest(Irp, IO_NO_INCREMENT);
  return Status;
}

static DRIVER_DISPATCH OnOpen;
static NTSTATUS OnOpen(PDEVICE_OBJECT DeviceObject, PIRP Irp) {
  UNREFERENCED_PARAMETER(DeviceObject);
  return Complete(Irp, STATUS_SUCCESS, 0);
}

static DRIVER_DISPATCH OnControl;
static NTSTATUS OnControl(PDEVICE_OBJECT DeviceObject, PIRP Irp) {
  PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
  PMAIN_CONTEXT Context = (PMAIN_CONTEXT)DeviceObject->DeviceExtension;
  switch (Stack->Parameters.DeviceIoControl.IoControlCode) {
    case IOCTL_TWO_ROLES_GET_CONTEXT: {
      PCONTEXT_REPLY Reply = (PCONTEXT_REPLY)Irp->AssociatedIrp.SystemBuffer;
      if (Stack->Parameters.DeviceIoControl.OutputBufferLength < sizeof(*Reply)) {
        return Complete(Irp, STATUS_BUFFER_TOO_SMALL, 0);
      }
      Reply->Version = TWO_ROLES_VERSION;
      Reply->Size = sizeof(*Reply);
      Reply->Context = Context;
      return Complete(Irp, STATUS_SUCCESS, sizeof(*Reply));
    }
    case IOCTL_TWO_ROLES_GET_HELPERS: {
      PHELPERS Helpers = (PHELPERS)Irp->UserBuffer;
      // An address from user mode must not be written to unprobed, and user mode has no use for these.
      if (Irp->RequestorMode != KernelMode) return Complete(Irp, STATUS_ACCESS_DENIED, 0);
      if (Helpers == NULL || Stack->Parameters.DeviceIoControl.OutputBufferLength < sizeof(*Helpers)) {
        return Complete(Irp, STATUS_BUFFER_TOO_SMALL, 0);
      }
      Helpers->IsReady = IsReady;
      Helpers->Transform = Transform;
      return Complete(Irp, STATUS_SUCCESS, sizeof(*Helpers));
    }
    default:
      return Complete(Irp, STATUS_INVALID_DEVICE_REQUEST, 0);
  }
}

static DRIVER_UNLOAD OnDriverUnload;
static VOID OnDriverUnload(PDRIVER_OBJECT DriverObject) {
  IoDeleteSymbolicLink(&LinkName);
  RtlSecureZeroMemory(DriverObject->DeviceObject->DeviceExtension, sizeof(MAIN_CONTEXT));
  IoDeleteDevice(DriverObject->DeviceObject);
}

static NTSTATUS ReadKey(PUNICODE_STRING RegistryPath, PMAIN_CONTEXT Context) {
  WCHAR Path[128];
  ULONG Key = 0, None = 0;
  RTL_QUERY_REGISTRY_TABLE Table[2];
  static const WCHAR Parameters[] = L"\\Parameters";
  if (RegistryPath->Length + sizeof(Parameters) > sizeof(Path)) return STATUS_NAME_TOO_LONG;
  RtlCopyMemory(Path, RegistryPath->Buffer, RegistryPath->Length);
  RtlCopyMemory((PUCHAR)Path + RegistryPath->Length, Parameters, sizeof(Parameters));
  RtlZeroMemory(Table, sizeof(Table));
  Table[0].Flags = RTL_QUERY_REGISTRY_DIRECT;
  Table[0].Name = (PWSTR)L"Key";
  Table[0].EntryContext = &Key;
  Table[0].DefaultType = REG_DWORD;
  Table[0].DefaultData = &None;
  Table[0].DefaultLength = sizeof(None);
  NTSTATUS Status = RtlQueryRegistryValues(RTL_REGISTRY_ABSOLUTE, Path, Table, NULL, NULL);
  // Nobody has made the key: as good as one without the value.
  if (Status == STATUS_OBJECT_NAME_NOT_FOUND) Status = STATUS_SUCCESS;
  Context->Key = (ULONGLONG)Key << 32 | Key;
  return Status;
}

static NTSTATUS MainDriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath) {
  PDEVICE_OBJECT Device = NULL;
  NTSTATUS Status = IoCreateDevice(DriverObject, sizeof(MAIN_CONTEXT), &DeviceName, FILE_DEVICE_UNKNOWN,
                                   FILE_DEVICE_SECURE_OPEN, FALSE, &Device);
  if (!NT_SUCCESS(Status)) return Status;
  ((PMAIN_CONTEXT)Device->DeviceExtension)->Magic = TWO_ROLES_MAGIC;
  Status = ReadKey(RegistryPath, (PMAIN_CONTEXT)Device->DeviceExtension);
  if (NT_SUCCESS(Status)) Status = IoCreateSymbolicLink(&LinkName, &DeviceName);
  if (!NT_SUCCESS(Status)) {
    IoDeleteDevice(Device);
    return Status;
  }
  DriverObject->MajorFunction[IRP_MJ_CREATE] = OnOpen;
  DriverObject->MajorFunction[IRP_MJ_CLEANUP] = OnOpen;
  DriverObject->MajorFunction[IRP_MJ_CLOSE] = OnOpen;
  DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = OnControl;
  DriverObject->DriverUnload = OnDriverUnload;
  return STATUS_SUCCESS;
}

// ---- the dump filter ----

typedef struct _FILTER_CONTEXT {
  PMAIN_CONTEXT Main;  // in the main driver's memory
  HELPERS Helpers;     // in the main driver's code
  PUCHAR Scratch;
  PMDL ScratchMdl;
} FILTER_CONTEXT, *PFILTER_CONTEXT;

#define TWO_ROLES_BUGCHECK 0x0000E0F2

static NTSTATUS Ask(PDEVICE_OBJECT Device, ULONG Code, PVOID Reply, ULONG Length) {
  KEVENT Event;
  IO_STATUS_BLOCK IoStatus;
  KeInitializeEvent(&Event, NotificationEvent, FALSE);
  PIRP Irp = IoBuildDeviceIoControlRequest(Code, Device, NULL, 0, Reply, Length, FALSE, &Event, &IoStatus);
  if (Irp == NULL) return STATUS_INSUFFICIENT_RESOURCES;
  NTSTATUS Status = IoCallDriver(Device, Irp);
  if (Status == STATUS_PENDING) {
    KeWaitForSingleObject(&Event, Executive, KernelMode, FALSE, NULL);
    Status = IoStatus.Status;
  }
  // A reply that is shorter than the structure leaves part of it unset.
  if (NT_SUCCESS(Status) && IoStatus.Information != Length) Status = STATUS_INFO_LENGTH_MISMATCH;
  return Status;
}

static NTSTATUS OnStart(PFILTER_EXTENSION Extension) {
  PFILTER_CONTEXT Context = (PFILTER_CONTEXT)Extension->DumpData;
  return Context->Main->Magic == TWO_ROLES_MAGIC && Context->Helpers.IsReady(Context->Main) ? STATUS_SUCCESS
                                                                                            : STATUS_FVE_NOT_ENCRYPTED;
}

static PUCHAR BytesOf(PMDL Mdl) {
  if (Mdl->MdlFlags & MDL_MAPPED_TO_SYSTEM_VA) return (PUCHAR)PAGE_ALIGN(Mdl->MappedSystemVa) + MmGetMdlByteOffset(Mdl);
  if (Mdl->MdlFlags & MDL_SOURCE_IS_NONPAGED_POOL) return (PUCHAR)MmGetMdlVirtualAddress(Mdl);
  KeBugCheckEx(TWO_ROLES_BUGCHECK, (ULONG_PTR)Mdl, (ULONG_PTR)(USHORT)Mdl->MdlFlags, 0, 0);
}

static NTSTATUS OnWrite(PFILTER_EXTENSION Extension, PLARGE_INTEGER Offset, PMDL Mdl) {
  PFILTER_CONTEXT Context = (PFILTER_CONTEXT)Extension->DumpData;
  if (!Context->Helpers.IsReady(Context->Main)) return STATUS_SUCCESS;
  Context->Helpers.Transform(Context->Main, Offset->QuadPart, BytesOf(Mdl), Context->Scratch, MmGetMdlByteCount(Mdl));
  RtlCopyMemory(MmGetMdlPfnArray(Mdl), MmGetMdlPfnArray(Context->ScratchMdl),
                BYTES_TO_PAGES(MmGetMdlByteCount(Mdl)) * sizeof(PFN_NUMBER));
  Mdl->StartVa = Context->Scratch;
  Mdl->MappedSystemVa = Context->Scratch;
  Mdl->ByteOffset = 0;
  return STATUS_SUCCESS;
}

static NTSTATUS OnRead(PFILTER_EXTENSION Extension, PLARGE_INTEGER Offset, PMDL Mdl) {
  PFILTER_CONTEXT Context = (PFILTER_CONTEXT)Extension->DumpData;
  PUCHAR Bytes = BytesOf(Mdl);
  if (Context->Helpers.IsReady(Context->Main)) {
    Context->Helpers.Transform(Context->Main, Offset->QuadPart, Bytes, Bytes, MmGetMdlByteCount(Mdl));
  }
  return STATUS_SUCCESS;
}

static NTSTATUS OnFinish(PFILTER_EXTENSION Extension) {
  UNREFERENCED_PARAMETER(Extension);
  return STATUS_SUCCESS;
}

static VOID FreeContext(PFILTER_CONTEXT Context) {
  if (Context->ScratchMdl != NULL) IoFreeMdl(Context->ScratchMdl);
  if (Context->Scratch != NULL) MmFreeContiguousMemory(Context->Scratch);
  ExFreePoolWithTag(Context, TWO_ROLES_TAG);
}

static NTSTATUS OnUnload(PFILTER_EXTENSION Extension) {
  FreeContext((PFILTER_CONTEXT)Extension->DumpData);
  Extension->DumpData = NULL;
  return STATUS_SUCCESS;
}

static NTSTATUS FilterEntry(PDEVICE_OBJECT Device, PFILTER_INITIALIZATION_DATA Data) {
  SIZE_T Length = (SIZE_T)Data->MaxPagesPerWrite * PAGE_SIZE;
  PHYSICAL_ADDRESS Highest;
  CONTEXT_REPLY Reply;
  // Before anything can fail: without the main driver's answers a dump would be written in clear.
  Data->Flags |= DUMP_FILTER_CRITICAL;
  PFILTER_CONTEXT Context = (PFILTER_CONTEXT)ExAllocatePoolWithTag(NonPagedPoolNx, sizeof(*Context), TWO_ROLES_TAG);
  if (Context == NULL) return STATUS_INSUFFICIENT_RESOURCES;
  RtlZeroMemory(Context, sizeof(*Context));
  NTSTATUS Status = Ask(Device, IOCTL_TWO_ROLES_GET_CONTEXT, &Reply, sizeof(Reply));
  if (NT_SUCCESS(Status) && Reply.Version != TWO_ROLES_VERSION) Status = STATUS_REVISION_MISMATCH;
  if (NT_SUCCESS(Status)) {
    Context->Main = Reply.Context;
    Status = Ask(Device, IOCTL_TWO_ROLES_GET_HELPERS, &Context->Helpers, sizeof(Context->Helpers));
  }
  if (NT_SUCCESS(Status)) {
    Highest.QuadPart = 0x7FFFFFFFFFF;
    Context->Scratch = (PUCHAR)MmAllocateContiguousMemory(Length, Highest);
    if (Context->Scratch != NULL)
      Context->ScratchMdl = IoAllocateMdl(Context->Scratch, (ULONG)Length, FALSE, FALSE, NULL);
    if (Context->ScratchMdl == NULL) Status = STATUS_INSUFFICIENT_RESOURCES;
  }
  if (!NT_SUCCESS(Status)) {
    FreeContext(Context);
    return Status;
  }
  MmBuildMdlForNonPagedPool(Context->ScratchMdl);
  Data->DumpData = Context;
  Data->DumpStart = OnStart;
  Data->DumpWrite = OnWrite;
  // A Windows 7 host's structure ends before this field.
  if (Data->MajorVersion >= DUMP_FILTER_MAJOR_VERSION) Data->DumpRead = OnRead;
  Data->DumpFinish = OnFinish;
  Data->DumpUnload = OnUnload;
  return STATUS_SUCCESS;
}

// Either (PDRIVER_OBJECT, PUNICODE_STRING) or (PFILTER_EXTENSION, PFILTER_INITIALIZATION_DATA).
NTSTATUS DriverEntry(PVOID First, PVOID Second) {
  PFILE_OBJECT File = NULL;
  PDEVICE_OBJECT Device = NULL;
  if (!NT_SUCCESS(IoGetDeviceObjectPointer(&DeviceName, FILE_READ_DATA, &File, &Device))) {
    return MainDriverEntry((PDRIVER_OBJECT)First, (PUNICODE_STRING)Second);
  }
  NTSTATUS Status = FilterEntry(Device, (PFILTER_INITIALIZATION_DATA)Second);
  ObDereferenceObject(File);
  return Status;
}
