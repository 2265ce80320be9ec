// SPDX-License-Identifier: Apache-2.0
//
// Leaves a thread behind that nobody tells to end: once the image is unloaded, it has nowhere to go on.
#include <ntddk.h>

#include <ntdddump.h>

static KEVENT Stop;

static VOID BadThread(PVOID Context) {
  UNREFERENCED_PARAMETER(Context);
  KeWaitForSingleObject(&Stop, Executive, KernelMode, FALSE, NULL);
}

static NTSTATUS GoodWrite(PFILTER_EXTENSION FilterExtension, PLARGE_INTEGER DiskByteOffset, PMDL Mdl) {
  UNREFERENCED_PARAMETER(FilterExtension);
  UNREFERENCED_PARAMETER(DiskByteOffset);
  UNREFERENCED_PARAMETER(Mdl);
  return STATUS_SUCCESS;
}

NTSTATUS DriverEntry(PFILTER_EXTENSION FilterExtension, PFILTER_INITIALIZATION_DATA InitializationData) {
  UNREFERENCED_PARAMETER(FilterExtension);
  HANDLE Thread = NULL;
  KeInitializeEvent(&Stop, NotificationEvent, FALSE);
  NTSTATUS Status = PsCreateSystemThread(&Thread, THREAD_ALL_ACCESS, NULL, NULL, NULL, BadThread, NULL);
  if (!NT_SUCCESS(Status)) return Status;
  ZwClose(Thread);
  InitializationData->DumpWrite = GoodWrite;
  return STATUS_SUCCESS;
}
