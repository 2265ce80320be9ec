// SPDX-License-Identifier: Apache-2.0
//
// Two threads take two mutexes, each in its own order, and wait for each other from then on. The machine goes on.
#include <ntddk.h>

#include <ntdddump.h>

static KMUTEX Mutexes[2];

static VOID BadThread(PVOID Context) {
  ULONG_PTR First = (ULONG_PTR)Context;
  LARGE_INTEGER Moment;
  Moment.QuadPart = -10000;
  KeWaitForSingleObject(&Mutexes[First], Executive, KernelMode, FALSE, NULL);
  KeDelayExecutionThread(KernelMode, FALSE, &Moment);
  KeWaitForSingleObject(&Mutexes[1 - First], Executive, KernelMode, FALSE, NULL);
  KeReleaseMutex(&Mutexes[1 - First], FALSE);
  KeReleaseMutex(&Mutexes[First], FALSE);
  PsTerminateSystemThread(STATUS_SUCCESS);
}

static NTSTATUS GoodWrite(PFILTER_EXTENSION FilterExtension, PLARGE_INTEGER DiskByteOffset, PMDL Mdl) {
  UNREFERENCED_PARAMETER(FilterExtension);
  UNREFERENCED_PARAMETER(DiskByteOffset);
  UNREFERENCED_PARAMETER(Mdl);
  return STATUS_SUCCESS;
}

NTSTATUS DriverEntry(PFILTER_EXTENSION FilterExtension, PFILTER_INITIALIZATION_DATA InitializationData) {
  UNREFERENCED_PARAMETER(FilterExtension);
  for (ULONG_PTR i = 0; i < 2; ++i) KeInitializeMutex(&Mutexes[i], 0);
  for (ULONG_PTR i = 0; i < 2; ++i) {
    HANDLE Thread = NULL;
    NTSTATUS Status = PsCreateSystemThread(&Thread, THREAD_ALL_ACCESS, NULL, NULL, NULL, BadThread, (PVOID)i);
    if (!NT_SUCCESS(Status)) return Status;
    ZwClose(Thread);
  }
  InitializationData->DumpWrite = GoodWrite;
  return STATUS_SUCCESS;
}
