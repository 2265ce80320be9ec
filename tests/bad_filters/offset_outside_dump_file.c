// SPDX-License-Identifier: Apache-2.0
//
// Breaks offset.outside-dump-file: makes room for a header of its own in front of the volume, 1.5 MiB, without having
// said that it moves writes. Every one lands in somebody else's file.
#include <ntddk.h>

#include <ntdddump.h>

#define HEADER_BYTES 0x180000

static NTSTATUS BadWrite(PFILTER_EXTENSION FilterExtension, PLARGE_INTEGER DiskByteOffset, PMDL Mdl) {
  UNREFERENCED_PARAMETER(FilterExtension);
  UNREFERENCED_PARAMETER(Mdl);
  DiskByteOffset->QuadPart += HEADER_BYTES;
  return STATUS_SUCCESS;
}

NTSTATUS DriverEntry(PFILTER_EXTENSION FilterExtension, PFILTER_INITIALIZATION_DATA InitializationData) {
  UNREFERENCED_PARAMETER(FilterExtension);
  InitializationData->DumpWrite = BadWrite;
  return STATUS_SUCCESS;
}
