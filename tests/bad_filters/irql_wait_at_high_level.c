// SPDX-License-Identifier: Apache-2.0
//
// Breaks irql.wait-at-high-level: waits a millisecond for an event in DumpWrite, as it would for its worker in a
// running machine.
#include <ntddk.h>

#include <ntdddump.h>

static KEVENT Ready;

static NTSTATUS BadWrite(PFILTER_EXTENSION FilterExtension, PLARGE_INTEGER DiskByteOffset, PMDL Mdl) {
  LARGE_INTEGER Timeout;
  UNREFERENCED_PARAMETER(FilterExtension);
  UNREFERENCED_PARAMETER(DiskByteOffset);
  UNREFERENCED_PARAMETER(Mdl);
  Timeout.QuadPart = -10000;
  KeWaitForSingleObject(&Ready, Executive, KernelMode, FALSE, &Timeout);
  return STATUS_SUCCESS;
}

NTSTATUS DriverEntry(PFILTER_EXTENSION FilterExtension, PFILTER_INITIALIZATION_DATA InitializationData) {
  UNREFERENCED_PARAMETER(FilterExtension);
  KeInitializeEvent(&Ready, NotificationEvent, FALSE);
  InitializationData->DumpWrite = BadWrite;
  return STATUS_SUCCESS;
}
