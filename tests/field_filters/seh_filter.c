// SPDX-License-Identifier: Apache-2.0
//
// Structured exceptions in a filter: what its configuration points at is not trusted, so it is probed and read under
// __try; a failed step is left by __leave and cleaned up in one __finally; a status raised by a callee is caught by a
// filter function that lets others pass. At HIGH_LEVEL a bad address stops Windows before any handler is asked, so
// DumpWrite has no __try.
#include "field.h"

static LONG Cleanups;
static FIELD_SCRATCH Scratch;
static ULONGLONG Key;

static LONG SehOnly(NTSTATUS Wanted, NTSTATUS Code) {
  return Code == Wanted ? EXCEPTION_EXECUTE_HANDLER : EXCEPTION_CONTINUE_SEARCH;
}

// A function of its own: clang before 17 guards calls, not what a __try does by itself.
static __declspec(noinline) ULONGLONG SehLoad(PVOID Pointer) {
  return *(volatile ULONGLONG*)Pointer;
}

// A pointer that an application left in the registry, say: user space, and nothing is there.
static NTSTATUS SehReadUntrusted(PVOID Pointer, ULONGLONG* Value) {
  NTSTATUS Status = STATUS_SUCCESS;
  __try {
    ProbeForRead(Pointer, sizeof(*Value), 1);
    *Value = SehLoad(Pointer);
  } __except (EXCEPTION_EXECUTE_HANDLER) {
    Status = GetExceptionCode();
  }
  return Status;
}

static VOID SehRaise(NTSTATUS Status) {
  ExRaiseStatus(Status);
}

// The inner handler wants another status than the one that is raised, so the outer one gets it; the block between is
// finished on the way.
static NTSTATUS SehNested(VOID) {
  NTSTATUS Status = STATUS_UNSUCCESSFUL;
  __try {
    __try {
      __try {
        SehRaise(STATUS_DEVICE_NOT_READY);
      } __except (SehOnly(STATUS_ACCESS_DENIED, GetExceptionCode())) {
        Status = STATUS_ACCESS_DENIED;
      }
    } __finally {
      ++Cleanups;
    }
  } __except (SehOnly(STATUS_DEVICE_NOT_READY, GetExceptionCode())) {
    Status = GetExceptionCode();
  }
  return Status;
}

static NTSTATUS SehPrepare(ULONG Pages) {
  volatile NTSTATUS Status = STATUS_UNSUCCESSFUL;
  __try {
    if (Pages == 0) __leave;
    Status = FieldMakeScratch(&Scratch, Pages);
  } __finally {
    ++Cleanups;
  }
  return Status;
}

static NTSTATUS SehWrite(PFILTER_EXTENSION FilterExtension, PLARGE_INTEGER DiskByteOffset, PMDL Mdl) {
  UNREFERENCED_PARAMETER(FilterExtension);
  if (MmGetMdlByteCount(Mdl) > Scratch.Length) KeBugCheckEx(SECURITY_SYSTEM, __LINE__, MmGetMdlByteCount(Mdl), 0, 0);
  FieldTransform(Key, (ULONGLONG)DiskByteOffset->QuadPart / FIELD_SECTOR, FieldMdlBytes(Mdl), Scratch.Bytes,
                 MmGetMdlByteCount(Mdl));
  FieldPointAt(Mdl, &Scratch);
  return STATUS_SUCCESS;
}

static NTSTATUS SehRead(PFILTER_EXTENSION FilterExtension, PLARGE_INTEGER DiskByteOffset, PMDL Mdl) {
  UNREFERENCED_PARAMETER(FilterExtension);
  FieldTransform(Key, (ULONGLONG)DiskByteOffset->QuadPart / FIELD_SECTOR, FieldMdlBytes(Mdl), FieldMdlBytes(Mdl),
                 MmGetMdlByteCount(Mdl));
  return STATUS_SUCCESS;
}

static NTSTATUS SehUnload(PFILTER_EXTENSION FilterExtension) {
  UNREFERENCED_PARAMETER(FilterExtension);
  FieldFreeScratch(&Scratch);
  return STATUS_SUCCESS;
}

NTSTATUS DriverEntry(PFILTER_EXTENSION FilterExtension, PFILTER_INITIALIZATION_DATA InitializationData) {
  NTSTATUS Status;
  UNREFERENCED_PARAMETER(FilterExtension);
  InitializationData->Flags |= DUMP_FILTER_CRITICAL;
  Status = SehReadUntrusted((PVOID)(ULONG_PTR)0x10000, &Key);
  DbgPrint("seh_filter: reading what is not there: 0x%08X\n", (ULONG)Status);
  if (NT_SUCCESS(Status)) return STATUS_INVALID_PARAMETER;
  Status = SehNested();
  DbgPrint("seh_filter: nested: 0x%08X, %d cleaned up\n", (ULONG)Status, Cleanups);
  if (Status != STATUS_DEVICE_NOT_READY || Cleanups != 1) return STATUS_INVALID_PARAMETER;
  Status = SehPrepare(0);
  if (Status != STATUS_UNSUCCESSFUL || Cleanups != 2) return STATUS_INVALID_PARAMETER;
  Status = SehPrepare(InitializationData->MaxPagesPerWrite);
  if (!NT_SUCCESS(Status)) return Status;
  Key = 0x5EC0DE5EC0DEull;
  InitializationData->DumpWrite = SehWrite;
  // A host of version 1 has no such field.
  if (InitializationData->MajorVersion >= DUMP_FILTER_MAJOR_VERSION) {
    InitializationData->MajorVersion = DUMP_FILTER_MAJOR_VERSION;
    InitializationData->DumpRead = SehRead;
  }
  InitializationData->DumpUnload = SehUnload;
  InitializationData->Flags |= DUMP_FILTER_FLAG_SYSTEM_SUPPORT_READ;
  return STATUS_SUCCESS;
}
