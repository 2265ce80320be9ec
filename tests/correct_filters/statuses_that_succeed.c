// SPDX-License-Identifier: Apache-2.0
//
// Returns statuses that are no errors, but not zero either: every status that is not negative is a success.
#include <ntddk.h>

#include <ntdddump.h>

static NTSTATUS OnStart(PFILTER_EXTENSION FilterExtension) {
  UNREFERENCED_PARAMETER(FilterExtension);
  return STATUS_ALERTED;
}

static NTSTATUS OnWrite(PFILTER_EXTENSION FilterExtension, PLARGE_INTEGER DiskByteOffset, PMDL Mdl) {
  UNREFERENCED_PARAMETER(FilterExtension);
  UNREFERENCED_PARAMETER(DiskByteOffset);
  UNREFERENCED_PARAMETER(Mdl);
  return STATUS_MORE_ENTRIES;
}

static NTSTATUS OnFinish(PFILTER_EXTENSION FilterExtension) {
  UNREFERENCED_PARAMETER(FilterExtension);
  return STATUS_OBJECT_NAME_EXISTS;
}

NTSTATUS DriverEntry(PFILTER_EXTENSION FilterExtension, PFILTER_INITIALIZATION_DATA InitializationData) {
  UNREFERENCED_PARAMETER(FilterExtension);
  InitializationData->DumpStart = OnStart;
  InitializationData->DumpWrite = OnWrite;
  InitializationData->DumpFinish = OnFinish;
  return STATUS_SUCCESS;
}
