// SPDX-License-Identifier: Apache-2.0
//
// DriverEntry takes a mutex and waits for its thread, which waits for that mutex: nothing can go on, and the boot
// hangs.
#include <ntddk.h>

#include <ntdddump.h>

static KMUTEX Mutex;

static VOID BadThread(PVOID Context) {
  UNREFERENCED_PARAMETER(Context);
  KeWaitForSingleObject(&Mutex, Executive, KernelMode, FALSE, NULL);
  KeReleaseMutex(&Mutex, FALSE);
}

NTSTATUS DriverEntry(PFILTER_EXTENSION FilterExtension, PFILTER_INITIALIZATION_DATA InitializationData) {
  UNREFERENCED_PARAMETER(FilterExtension);
  UNREFERENCED_PARAMETER(InitializationData);
  HANDLE Handle = NULL;
  PVOID Thread = NULL;
  KeInitializeMutex(&Mutex, 0);
  KeWaitForSingleObject(&Mutex, Executive, KernelMode, FALSE, NULL);
  if (!NT_SUCCESS(PsCreateSystemThread(&Handle, THREAD_ALL_ACCESS, NULL, NULL, NULL, BadThread, NULL))) {
    return STATUS_UNSUCCESSFUL;
  }
  if (!NT_SUCCESS(ObReferenceObjectByHandle(Handle, THREAD_ALL_ACCESS, *PsThreadType, KernelMode, &Thread, NULL))) {
    return STATUS_UNSUCCESSFUL;
  }
  KeWaitForSingleObject(Thread, Executive, KernelMode, FALSE, NULL);
  return STATUS_SUCCESS;
}
