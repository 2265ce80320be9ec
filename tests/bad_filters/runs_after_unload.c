// SPDX-License-Identifier: Apache-2.0
//
// Its thread sleeps while the image is unloaded, and comes back to where nothing is any more.
#include <ntddk.h>

#include <ntdddump.h>

static VOID BadThread(PVOID Context) {
  UNREFERENCED_PARAMETER(Context);
  LARGE_INTEGER While;
  While.QuadPart = -10LL * 1000 * 1000 * 12;
  KeDelayExecutionThread(KernelMode, FALSE, &While);
}

NTSTATUS DriverEntry(PFILTER_EXTENSION FilterExtension, PFILTER_INITIALIZATION_DATA InitializationData) {
  UNREFERENCED_PARAMETER(FilterExtension);
  UNREFERENCED_PARAMETER(InitializationData);
  HANDLE Thread = NULL;
  NTSTATUS Status = PsCreateSystemThread(&Thread, THREAD_ALL_ACCESS, NULL, NULL, NULL, BadThread, NULL);
  if (NT_SUCCESS(Status)) ZwClose(Thread);
  return Status;
}
