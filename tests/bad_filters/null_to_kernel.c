// SPDX-License-Identifier: Apache-2.0
// Hands a null pointer to a kernel routine: the fault is in the kernel's code, the mistake is the caller's.
#include <ntdddump.h>
#include <ntddk.h>

static PKEVENT Event;  // nobody has allocated it

static NTSTATUS Write(PFILTER_EXTENSION FilterExtension, PLARGE_INTEGER DiskByteOffset, PMDL Mdl) {
  UNREFERENCED_PARAMETER(FilterExtension);
  UNREFERENCED_PARAMETER(DiskByteOffset);
  UNREFERENCED_PARAMETER(Mdl);
  KeInitializeEvent(Event, NotificationEvent, FALSE);
  return STATUS_SUCCESS;
}

NTSTATUS DriverEntry(PFILTER_EXTENSION FilterExtension, PFILTER_INITIALIZATION_DATA FilterInitialization) {
  UNREFERENCED_PARAMETER(FilterExtension);
  FilterInitialization->DumpWrite = Write;
  return STATUS_SUCCESS;
}
