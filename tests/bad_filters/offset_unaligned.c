// SPDX-License-Identifier: Apache-2.0
//
// Breaks offset.unaligned: makes room for a header of 512 bytes in front of the file, which is a sector on the disk it
// was written on and an eighth of one on a disk with sectors of 4096 bytes.
#include <ntddk.h>

#include <ntdddump.h>

#define HEADER_BYTES 512

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
