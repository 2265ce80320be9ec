// SPDX-License-Identifier: Apache-2.0
//
// Breaks offset.taken-as-absolute with the classic mistake of this interface: takes DiskByteOffset for an offset
// within the disk and "corrects" it by the partition's own. Every write lands that far off.
#include <ntddk.h>

#include <ntdddump.h>

#define PARTITION_OFFSET 0x100000

static NTSTATUS BadWrite(PFILTER_EXTENSION FilterExtension, PLARGE_INTEGER DiskByteOffset, PMDL Mdl) {
  UNREFERENCED_PARAMETER(FilterExtension);
  UNREFERENCED_PARAMETER(Mdl);
  DiskByteOffset->QuadPart += PARTITION_OFFSET;
  return STATUS_SUCCESS;
}

NTSTATUS DriverEntry(PFILTER_EXTENSION FilterExtension, PFILTER_INITIALIZATION_DATA InitializationData) {
  UNREFERENCED_PARAMETER(FilterExtension);
  InitializationData->DumpWrite = BadWrite;
  return STATUS_SUCCESS;
}
