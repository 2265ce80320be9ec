// SPDX-License-Identifier: Apache-2.0
//
// Breaks offset.outside-partition: keeps its own copy of the dump in what it takes for free space behind the
// partition.
#include <ntddk.h>

#include <ntdddump.h>

#define DISTANCE 0x10000000

static NTSTATUS BadWrite(PFILTER_EXTENSION FilterExtension, PLARGE_INTEGER DiskByteOffset, PMDL Mdl) {
  UNREFERENCED_PARAMETER(FilterExtension);
  UNREFERENCED_PARAMETER(Mdl);
  DiskByteOffset->QuadPart += DISTANCE;
  return STATUS_SUCCESS;
}

NTSTATUS DriverEntry(PFILTER_EXTENSION FilterExtension, PFILTER_INITIALIZATION_DATA InitializationData) {
  UNREFERENCED_PARAMETER(FilterExtension);
  InitializationData->DumpWrite = BadWrite;
  return STATUS_SUCCESS;
}
