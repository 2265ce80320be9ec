// SPDX-License-Identifier: Apache-2.0
//
// A filter that cannot have its key yet when DriverEntry runs: a thread waits for a timer's DPC to say that the system
// is ready, derives the key, and stays until DumpUnload sends it away. A dump before that is stopped rather than
// written in plain. Where a real filter would ask its main driver, this one only waits.
#include <ntddk.h>

#include <ntdddump.h>

enum { KeyBytes = 16, ReadyAfterMilliseconds = 50 };

typedef struct _LATE_SETUP {
  KEVENT Ready;
  KEVENT Stop;
  KTIMER Timer;
  KDPC Dpc;
  PVOID Thread;
  LONG KeyThere;
  UCHAR Key[KeyBytes];
  PUCHAR Buffer;  // what is encrypted: the pages of a dump belong to others
  PMDL BufferMdl;
} LATE_SETUP, *PLATE_SETUP;

static LATE_SETUP Setup;

static KDEFERRED_ROUTINE LateSetupReady;
static KSTART_ROUTINE LateSetupThread;
static DUMP_START LateSetupStart;
static DUMP_WRITE LateSetupWrite;
static DUMP_UNLOAD LateSetupUnload;

static VOID LateSetupReady(PKDPC Dpc, PVOID Context, PVOID SystemArgument1, PVOID SystemArgument2) {
  UNREFERENCED_PARAMETER(Dpc);
  UNREFERENCED_PARAMETER(SystemArgument1);
  UNREFERENCED_PARAMETER(SystemArgument2);
  KeSetEvent(&((PLATE_SETUP)Context)->Ready, IO_NO_INCREMENT, FALSE);
}

static VOID LateSetupThread(PVOID Context) {
  PLATE_SETUP State = (PLATE_SETUP)Context;
  PVOID Either[2] = {&State->Ready, &State->Stop};
  if (KeWaitForMultipleObjects(2, Either, WaitAny, Executive, KernelMode, FALSE, NULL, NULL) == STATUS_WAIT_0) {
    for (ULONG i = 0; i < KeyBytes; ++i) State->Key[i] = (UCHAR)(0xA5 ^ (i * 29));
    InterlockedExchange(&State->KeyThere, 1);
    KeWaitForSingleObject(&State->Stop, Executive, KernelMode, FALSE, NULL);
  }
  PsTerminateSystemThread(STATUS_SUCCESS);
}

// Plaintext must not reach the disk, and an error from a callback would not keep it away.
static NTSTATUS LateSetupStart(PFILTER_EXTENSION FilterExtension) {
  UNREFERENCED_PARAMETER(FilterExtension);
  if (Setup.KeyThere == 0) KeBugCheckEx(SECURITY_SYSTEM, 0, 0, 0, 0);
  return STATUS_SUCCESS;
}

static NTSTATUS LateSetupWrite(PFILTER_EXTENSION FilterExtension, PLARGE_INTEGER DiskByteOffset, PMDL Mdl) {
  UNREFERENCED_PARAMETER(FilterExtension);
  UNREFERENCED_PARAMETER(DiskByteOffset);
  const UCHAR* From = (const UCHAR*)Mdl->MappedSystemVa;
  for (ULONG i = 0; i < Mdl->ByteCount; ++i) Setup.Buffer[i] = (UCHAR)(From[i] ^ Setup.Key[i % KeyBytes]);
  PPFN_NUMBER Pages = MmGetMdlPfnArray(Mdl);
  const PFN_NUMBER* Own = MmGetMdlPfnArray(Setup.BufferMdl);
  for (ULONG i = 0; i < BYTES_TO_PAGES(Mdl->ByteCount); ++i) Pages[i] = Own[i];
  Mdl->MappedSystemVa = Setup.Buffer;
  Mdl->StartVa = Setup.Buffer;
  Mdl->ByteOffset = 0;
  return STATUS_SUCCESS;
}

static NTSTATUS LateSetupUnload(PFILTER_EXTENSION FilterExtension) {
  UNREFERENCED_PARAMETER(FilterExtension);
  KeCancelTimer(&Setup.Timer);
  KeFlushQueuedDpcs();
  KeSetEvent(&Setup.Stop, IO_NO_INCREMENT, FALSE);
  KeWaitForSingleObject(Setup.Thread, Executive, KernelMode, FALSE, NULL);
  ObDereferenceObject(Setup.Thread);
  RtlSecureZeroMemory(Setup.Key, sizeof Setup.Key);
  IoFreeMdl(Setup.BufferMdl);
  ExFreePool(Setup.Buffer);
  return STATUS_SUCCESS;
}

static NTSTATUS LateSetupBegin(ULONG Pages) {
  HANDLE Handle = NULL;
  LARGE_INTEGER Due;
  NTSTATUS Status;
  Setup.Buffer = (PUCHAR)ExAllocatePoolWithTag(NonPagedPoolNx, (SIZE_T)Pages * PAGE_SIZE, 'pteS');
  if (Setup.Buffer == NULL) return STATUS_INSUFFICIENT_RESOURCES;
  Setup.BufferMdl = IoAllocateMdl(Setup.Buffer, Pages * PAGE_SIZE, FALSE, FALSE, NULL);
  if (Setup.BufferMdl == NULL) return STATUS_INSUFFICIENT_RESOURCES;
  MmBuildMdlForNonPagedPool(Setup.BufferMdl);
  KeInitializeEvent(&Setup.Ready, NotificationEvent, FALSE);
  KeInitializeEvent(&Setup.Stop, NotificationEvent, FALSE);
  KeInitializeTimer(&Setup.Timer);
  KeInitializeDpc(&Setup.Dpc, LateSetupReady, &Setup);
  Status = PsCreateSystemThread(&Handle, THREAD_ALL_ACCESS, NULL, NULL, NULL, LateSetupThread, &Setup);
  if (!NT_SUCCESS(Status)) return Status;
  Status = ObReferenceObjectByHandle(Handle, THREAD_ALL_ACCESS, *PsThreadType, KernelMode, &Setup.Thread, NULL);
  ZwClose(Handle);
  if (!NT_SUCCESS(Status)) return Status;
  Due.QuadPart = -10000LL * ReadyAfterMilliseconds;
  KeSetTimer(&Setup.Timer, Due, &Setup.Dpc);
  return STATUS_SUCCESS;
}

NTSTATUS DriverEntry(_In_ PFILTER_EXTENSION FilterExtension, _Inout_ PFILTER_INITIALIZATION_DATA InitializationData) {
  UNREFERENCED_PARAMETER(FilterExtension);
  InitializationData->DumpStart = LateSetupStart;
  InitializationData->DumpWrite = LateSetupWrite;
  InitializationData->DumpUnload = LateSetupUnload;
  InitializationData->Flags |= DUMP_FILTER_CRITICAL;
  return LateSetupBegin(InitializationData->MaxPagesPerWrite + 1);
}
