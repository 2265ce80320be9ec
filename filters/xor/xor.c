// SPDX-License-Identifier: Apache-2.0
//
// The whole life of an encrypting dump filter with the cryptography left out: a key from the registry, a scratch buffer
// and its MDL prepared at PASSIVE_LEVEL, a write that fills the scratch and points the caller's MDL at it, a read that
// undoes it in place. Replace XorTransform() by a cipher and the rest may stay. XOR with a constant protects nothing.
//
// From DumpStart on the machine runs at HIGH_LEVEL on one processor with nobody to call: DumpWrite and DumpRead touch
// memory and call nothing. An error returned there does not stop the write, the data would go to the disk in clear; so
// whatever should not happen stops the machine instead.
#include <ntddk.h>

#include <ntdddump.h>

#define XOR_TAG 'roXD'
#define XOR_MAX_KEY 64

// Parameter 1 of the bug check: where it was found. Parameters 2 and 3 are the values in question.
#define XOR_BUGCHECK 0x0000E0F1
typedef enum _XOR_ANOMALY {
  XorNotPrepared = 1,
  XorTooLong = 2,
  XorUnaligned = 3,
  XorNotMapped = 4,
} XOR_ANOMALY;

typedef struct _XOR_CONTEXT {
  ULONG MaxBytes;   // of one write: MaxPagesPerWrite pages
  PUCHAR Scratch;   // contiguous, page aligned, MaxBytes and one page
  PMDL ScratchMdl;  // describes Scratch; its PFNs are copied on every write
  ULONG KeyLength;
  ULONGLONG Key[XOR_MAX_KEY];  // the key's bytes eight times over: KeyLength words
} XOR_CONTEXT, *PXOR_CONTEXT;

static DUMP_START XorStart;
static DUMP_WRITE XorWrite;
static DUMP_READ XorRead;
static DUMP_FINISH XorFinish;
static DUMP_UNLOAD XorUnload;
static RTL_QUERY_REGISTRY_ROUTINE XorReadKey;

// The key repeats from the start of the partition, so that whole sectors at any offset stand for themselves.
static VOID XorTransform(_In_ PXOR_CONTEXT Context, _In_ LONGLONG PartitionOffset, _In_reads_bytes_(Length) PUCHAR From,
                         _Out_writes_bytes_(Length) PUCHAR To, _In_ ULONG Length) {
  const ULONGLONG UNALIGNED* Source = (const ULONGLONG UNALIGNED*)From;
  ULONGLONG UNALIGNED* Target = (ULONGLONG UNALIGNED*)To;
  ULONG Phase = (ULONG)((ULONGLONG)PartitionOffset / sizeof(ULONGLONG) % Context->KeyLength);
  for (ULONG i = 0; i < Length / sizeof(ULONGLONG); ++i) {
    Target[i] = Source[i] ^ Context->Key[Phase];
    if (++Phase == Context->KeyLength) Phase = 0;
  }
}

// Where the bytes of a lent MDL are. MappedSystemVa comes with or without ByteOffset in it, depending on who built the
// MDL: the page is taken from it and ByteOffset added. StartVa is good only for nonpaged pool: the stacks of Windows 11
// 25H2 lend mapped MDLs whose StartVa means nothing.
static PUCHAR XorMdlBytes(_In_ PMDL Mdl) {
  if (Mdl->MdlFlags & MDL_MAPPED_TO_SYSTEM_VA) {
    return (PUCHAR)PAGE_ALIGN(Mdl->MappedSystemVa) + MmGetMdlByteOffset(Mdl);
  }
  if (Mdl->MdlFlags & MDL_SOURCE_IS_NONPAGED_POOL) {
    return (PUCHAR)MmGetMdlVirtualAddress(Mdl);
  }
  // Mapping it here would take calls that are not allowed at HIGH_LEVEL.
  KeBugCheckEx(XOR_BUGCHECK, XorNotMapped, (ULONG_PTR)Mdl, (ULONG_PTR)(USHORT)Mdl->MdlFlags, 0);
}

// The context, after making sure that this transfer is one the filter is prepared for.
static PXOR_CONTEXT XorCheckTransfer(_In_ PFILTER_EXTENSION FilterExtension, _In_ PLARGE_INTEGER DiskByteOffset,
                                     _In_ PMDL Mdl) {
  PXOR_CONTEXT Context = (PXOR_CONTEXT)FilterExtension->DumpData;
  if (Context == NULL) {
    KeBugCheckEx(XOR_BUGCHECK, XorNotPrepared, (ULONG_PTR)FilterExtension, 0, 0);
  }
  if (MmGetMdlByteCount(Mdl) > Context->MaxBytes) {
    KeBugCheckEx(XOR_BUGCHECK, XorTooLong, MmGetMdlByteCount(Mdl), Context->MaxBytes, 0);
  }
  if ((MmGetMdlByteCount(Mdl) | (ULONGLONG)DiskByteOffset->QuadPart) & 511) {
    KeBugCheckEx(XOR_BUGCHECK, XorUnaligned, MmGetMdlByteCount(Mdl), (ULONG_PTR)DiskByteOffset->QuadPart, 0);
  }
  return Context;
}

static NTSTATUS XorStart(PFILTER_EXTENSION FilterExtension) {
  return FilterExtension->DumpData != NULL ? STATUS_SUCCESS : STATUS_UNSUCCESSFUL;
}

static NTSTATUS XorWrite(PFILTER_EXTENSION FilterExtension, PLARGE_INTEGER DiskByteOffset, PMDL Mdl) {
  PXOR_CONTEXT Context = XorCheckTransfer(FilterExtension, DiskByteOffset, Mdl);
  ULONG Pages = BYTES_TO_PAGES(MmGetMdlByteCount(Mdl));

  // The pages being dumped must stay as they are: a later part of the dump may need them again.
  XorTransform(Context, DiskByteOffset->QuadPart, XorMdlBytes(Mdl), Context->Scratch, MmGetMdlByteCount(Mdl));

  // Point the caller's MDL at the scratch buffer in every way in which a port may follow it. ByteCount, Size and
  // MdlFlags stay: miniports test the flags, and the transfer must not change its length. The data starts on a page,
  // so it never spans more pages than before and the PFN array has the room.
  RtlCopyMemory(MmGetMdlPfnArray(Mdl), MmGetMdlPfnArray(Context->ScratchMdl), Pages * sizeof(PFN_NUMBER));
  Mdl->StartVa = Context->Scratch;
  Mdl->MappedSystemVa = Context->Scratch;
  Mdl->ByteOffset = 0;
  return STATUS_SUCCESS;
}

// Called after the port has read. The bytes are the caller's to receive, so they are changed where they lie; the MDL
// and the offset are not.
static NTSTATUS XorRead(PFILTER_EXTENSION FilterExtension, PLARGE_INTEGER DiskByteOffset, PMDL Mdl) {
  PXOR_CONTEXT Context = XorCheckTransfer(FilterExtension, DiskByteOffset, Mdl);
  PUCHAR Bytes = XorMdlBytes(Mdl);
  XorTransform(Context, DiskByteOffset->QuadPart, Bytes, Bytes, MmGetMdlByteCount(Mdl));
  return STATUS_SUCCESS;
}

// The key stays: the stack may still write its log after DumpFinish, through this filter.
static NTSTATUS XorFinish(PFILTER_EXTENSION FilterExtension) {
  UNREFERENCED_PARAMETER(FilterExtension);
  return STATUS_SUCCESS;
}

static VOID XorFreeContext(_In_opt_ PXOR_CONTEXT Context) {
  if (Context == NULL) return;
  if (Context->ScratchMdl != NULL) IoFreeMdl(Context->ScratchMdl);
  if (Context->Scratch != NULL) MmFreeContiguousMemory(Context->Scratch);
  RtlSecureZeroMemory(Context, sizeof(*Context));
  ExFreePoolWithTag(Context, XOR_TAG);
}

// PASSIVE_LEVEL, with or without a DumpStart before: dumps can be disabled while the machine runs.
static NTSTATUS XorUnload(PFILTER_EXTENSION FilterExtension) {
  XorFreeContext((PXOR_CONTEXT)FilterExtension->DumpData);
  FilterExtension->DumpData = NULL;
  return STATUS_SUCCESS;
}

static NTSTATUS XorReadKey(PWSTR ValueName, ULONG ValueType, PVOID ValueData, ULONG ValueLength, PVOID Context,
                           PVOID EntryContext) {
  PXOR_CONTEXT Xor = (PXOR_CONTEXT)Context;
  UNREFERENCED_PARAMETER(ValueName);
  UNREFERENCED_PARAMETER(EntryContext);
  if (ValueType != REG_DWORD && ValueType != REG_BINARY) return STATUS_OBJECT_TYPE_MISMATCH;
  if (ValueLength == 0 || ValueLength > XOR_MAX_KEY) return STATUS_INVALID_PARAMETER;
  for (ULONG i = 0; i < sizeof(ULONGLONG); ++i) {
    RtlCopyMemory((PUCHAR)Xor->Key + i * ValueLength, ValueData, ValueLength);
  }
  Xor->KeyLength = ValueLength;
  return STATUS_SUCCESS;
}

static NTSTATUS XorQueryParameters(_Inout_ PXOR_CONTEXT Context) {
  RTL_QUERY_REGISTRY_TABLE Table[2];
  RtlZeroMemory(Table, sizeof(Table));
  Table[0].QueryRoutine = XorReadKey;
  Table[0].Flags = RTL_QUERY_REGISTRY_REQUIRED;
  Table[0].Name = (PWSTR)L"Key";
  // A dump filter gets no registry path: it has to know the name of its own service.
  return RtlQueryRegistryValues(RTL_REGISTRY_SERVICES, L"xor\\Parameters", Table, Context, NULL);
}

static NTSTATUS XorPrepare(_Inout_ PXOR_CONTEXT Context, _In_ ULONG MaxPagesPerWrite) {
  PHYSICAL_ADDRESS HighestAddress;
  NTSTATUS Status = XorQueryParameters(Context);
  if (!NT_SUCCESS(Status)) return Status;

  // Everything the callbacks will need, allocated now: there is no other time.
  HighestAddress.QuadPart = 0x7FFFFFFFFFF;
  Context->MaxBytes = MaxPagesPerWrite * PAGE_SIZE;
  Context->Scratch = (PUCHAR)MmAllocateContiguousMemory(Context->MaxBytes + PAGE_SIZE, HighestAddress);
  if (Context->Scratch == NULL) return STATUS_INSUFFICIENT_RESOURCES;
  Context->ScratchMdl = IoAllocateMdl(Context->Scratch, Context->MaxBytes + PAGE_SIZE, FALSE, FALSE, NULL);
  if (Context->ScratchMdl == NULL) return STATUS_INSUFFICIENT_RESOURCES;
  MmBuildMdlForNonPagedPool(Context->ScratchMdl);
  return STATUS_SUCCESS;
}

NTSTATUS DriverEntry(_In_ PFILTER_EXTENSION FilterExtension, _Inout_ PFILTER_INITIALIZATION_DATA InitializationData) {
  PXOR_CONTEXT Context;
  NTSTATUS Status;
  // Looked at before Flags and MajorVersion are overwritten: a Windows 7 host's structure ends before DumpRead.
  BOOLEAN HostHasRead = InitializationData->MajorVersion >= DUMP_FILTER_MAJOR_VERSION;
  UNREFERENCED_PARAMETER(FilterExtension);

  // First of all: if anything below fails, no dump at all is better than one in clear.
  InitializationData->Flags |= DUMP_FILTER_CRITICAL;
  if (InitializationData->MaxPagesPerWrite == 0 || InitializationData->MaxPagesPerWrite > 0x10000) {
    return STATUS_INVALID_PARAMETER;
  }

  Context = (PXOR_CONTEXT)ExAllocatePoolWithTag(NonPagedPoolNx, sizeof(*Context), XOR_TAG);
  if (Context == NULL) return STATUS_INSUFFICIENT_RESOURCES;
  RtlZeroMemory(Context, sizeof(*Context));
  Status = XorPrepare(Context, InitializationData->MaxPagesPerWrite);
  if (!NT_SUCCESS(Status)) {
    XorFreeContext(Context);
    return Status;
  }

  InitializationData->DumpData = Context;
  InitializationData->DumpStart = XorStart;
  InitializationData->DumpWrite = XorWrite;
  InitializationData->DumpFinish = XorFinish;
  InitializationData->DumpUnload = XorUnload;
  if (HostHasRead) {
    InitializationData->MajorVersion = DUMP_FILTER_MAJOR_VERSION;
    InitializationData->DumpRead = XorRead;
    InitializationData->Flags |= DUMP_FILTER_FLAG_SYSTEM_SUPPORT_READ;
  }
  return STATUS_SUCCESS;
}
