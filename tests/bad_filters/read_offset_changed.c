// SPDX-License-Identifier: Apache-2.0
//
// Breaks read.offset-changed: undoes in DumpRead the move it would make in DumpWrite. The port has read by then; the
// next filter in the list is told the wrong place.
#include <ntddk.h>

#include <ntdddump.h>

static NTSTATUS BadRead(PFILTER_EXTENSION FilterExtension, PLARGE_INTEGER DiskByteOffset, PMDL Mdl) {
  UNREFERENCED_PARAMETER(FilterExtension);
  UNREFERENCED_PARAMETER(Mdl);
  DiskByteOffset->QuadPart -= 4096;
  return STATUS_SUCCESS;
}

NTSTATUS DriverEntry(PFILTER_EXTENSION FilterExtension, PFILTER_INITIALIZATION_DATA InitializationData) {
  UNREFERENCED_PARAMETER(FilterExtension);
  InitializationData->DumpRead = BadRead;
  InitializationData->Flags |= DUMP_FILTER_FLAG_SYSTEM_SUPPORT_READ;
  return STATUS_SUCCESS;
}
