// SPDX-License-Identifier: Apache-2.0
//
// The filter that does most of its work after its DriverEntry, because that runs before the kernel is up: a callback on
// \Callback\Phase1InitComplete starts a thread, the thread arms a timer and waits for it or for the order to stop.
// [seen: DmpFlt] Flags is assigned, not or-ed: the read bit set alone makes the filter critical too. Everything is
// taken back in DumpUnload.
#include "field.h"

#define PHASE_TICKS 3
#define PHASE_PERIOD_MS 10

typedef struct _PHASE_CONTEXT {
  PCALLBACK_OBJECT Callback;
  PVOID Registration;
  PETHREAD Thread;
  KEVENT Stop;
  KTIMER Timer;
  LONG Ticks;
  LONG Writes;
} PHASE_CONTEXT, *PPHASE_CONTEXT;

static VOID PhaseThread(PVOID StartContext) {
  PPHASE_CONTEXT Context = (PPHASE_CONTEXT)StartContext;
  PVOID Objects[2];
  LARGE_INTEGER Due;
  NTSTATUS Status;
  Objects[0] = &Context->Stop;
  Objects[1] = &Context->Timer;
  Due.QuadPart = -10000LL * PHASE_PERIOD_MS;
  KeSetTimerEx(&Context->Timer, Due, PHASE_PERIOD_MS, NULL);
  DbgPrint("phase1_thread: the thread runs\n");
  for (;;) {
    Status = KeWaitForMultipleObjects(2, Objects, WaitAny, Executive, KernelMode, FALSE, NULL, NULL);
    if (Status != STATUS_WAIT_1) break;
    if (InterlockedIncrement(&Context->Ticks) == PHASE_TICKS) {
      DbgPrint("phase1_thread: %d ticks\n", PHASE_TICKS);
      KeCancelTimer(&Context->Timer);
    }
  }
  DbgPrint("phase1_thread: the thread ends\n");
  PsTerminateSystemThread(STATUS_SUCCESS);
}

static VOID PhaseComplete(PVOID CallbackContext, PVOID Argument1, PVOID Argument2) {
  PPHASE_CONTEXT Context = (PPHASE_CONTEXT)CallbackContext;
  HANDLE Handle;
  NTSTATUS Status;
  UNREFERENCED_PARAMETER(Argument1);
  UNREFERENCED_PARAMETER(Argument2);
  DbgPrint("phase1_thread: phase 1 is complete\n");
  if (Context->Thread != NULL) return;
  Status = PsCreateSystemThread(&Handle, THREAD_ALL_ACCESS, NULL, NULL, NULL, PhaseThread, Context);
  if (!NT_SUCCESS(Status)) return;
  ObReferenceObjectByHandle(Handle, THREAD_ALL_ACCESS, *PsThreadType, KernelMode, (PVOID*)&Context->Thread, NULL);
  ZwClose(Handle);
}

static NTSTATUS PhaseStart(PFILTER_EXTENSION FilterExtension) {
  UNREFERENCED_PARAMETER(FilterExtension);
  return STATUS_SUCCESS;
}

static NTSTATUS PhaseWrite(PFILTER_EXTENSION FilterExtension, PLARGE_INTEGER DiskByteOffset, PMDL Mdl) {
  PPHASE_CONTEXT Context = (PPHASE_CONTEXT)FilterExtension->DumpData;
  UNREFERENCED_PARAMETER(DiskByteOffset);
  UNREFERENCED_PARAMETER(Mdl);
  ++Context->Writes;
  return STATUS_SUCCESS;
}

static NTSTATUS PhaseRead(PFILTER_EXTENSION FilterExtension, PLARGE_INTEGER DiskByteOffset, PMDL Mdl) {
  UNREFERENCED_PARAMETER(FilterExtension);
  UNREFERENCED_PARAMETER(DiskByteOffset);
  UNREFERENCED_PARAMETER(Mdl);
  return STATUS_SUCCESS;
}

static NTSTATUS PhaseFinish(PFILTER_EXTENSION FilterExtension) {
  UNREFERENCED_PARAMETER(FilterExtension);
  return STATUS_SUCCESS;
}

static NTSTATUS PhaseUnload(PFILTER_EXTENSION FilterExtension) {
  PPHASE_CONTEXT Context = (PPHASE_CONTEXT)FilterExtension->DumpData;
  if (Context == NULL) return STATUS_SUCCESS;
  ExUnregisterCallback(Context->Registration);
  if (Context->Thread != NULL) {
    KeSetEvent(&Context->Stop, IO_NO_INCREMENT, FALSE);
    KeWaitForSingleObject(Context->Thread, Executive, KernelMode, FALSE, NULL);
    ObDereferenceObject(Context->Thread);
  }
  KeCancelTimer(&Context->Timer);
  ObDereferenceObject(Context->Callback);
  ExFreePoolWithTag(Context, FIELD_TAG);
  FilterExtension->DumpData = NULL;
  return STATUS_SUCCESS;
}

NTSTATUS DriverEntry(PFILTER_EXTENSION FilterExtension, PFILTER_INITIALIZATION_DATA InitializationData) {
  PPHASE_CONTEXT Context;
  OBJECT_ATTRIBUTES Attributes;
  UNICODE_STRING Name;
  NTSTATUS Status;
  UNREFERENCED_PARAMETER(FilterExtension);
  Context = (PPHASE_CONTEXT)ExAllocatePoolWithTag(NonPagedPoolNx, sizeof(*Context), FIELD_TAG);
  if (Context == NULL) return STATUS_INSUFFICIENT_RESOURCES;
  RtlZeroMemory(Context, sizeof(*Context));
  KeInitializeEvent(&Context->Stop, NotificationEvent, FALSE);
  KeInitializeTimerEx(&Context->Timer, SynchronizationTimer);
  RtlInitUnicodeString(&Name, L"\\Callback\\Phase1InitComplete");
  InitializeObjectAttributes(&Attributes, &Name, OBJ_CASE_INSENSITIVE, NULL, NULL);
  Status = ExCreateCallback(&Context->Callback, &Attributes, FALSE, TRUE);
  if (NT_SUCCESS(Status)) {
    Context->Registration = ExRegisterCallback(Context->Callback, PhaseComplete, Context);
    if (Context->Registration == NULL) {
      ObDereferenceObject(Context->Callback);
      Status = STATUS_INSUFFICIENT_RESOURCES;
    }
  }
  if (!NT_SUCCESS(Status)) {
    ExFreePoolWithTag(Context, FIELD_TAG);
    return Status;
  }
  InitializationData->DumpData = Context;
  InitializationData->DumpStart = PhaseStart;
  InitializationData->DumpWrite = PhaseWrite;
  // A host of version 1 has no such field.
  if (InitializationData->MajorVersion >= DUMP_FILTER_MAJOR_VERSION) {
    InitializationData->MajorVersion = DUMP_FILTER_MAJOR_VERSION;
    InitializationData->DumpRead = PhaseRead;
  }
  InitializationData->DumpFinish = PhaseFinish;
  InitializationData->DumpUnload = PhaseUnload;
  InitializationData->Flags = DUMP_FILTER_FLAG_SYSTEM_SUPPORT_READ;
  return STATUS_SUCCESS;
}
