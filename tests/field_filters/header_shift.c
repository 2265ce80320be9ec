// SPDX-License-Identifier: Apache-2.0
//
// The layout with a header in front: everything on the partition lies 2048 bytes further on than the file system
// believes, so the filter moves *DiskByteOffset by as much, although its documentation says that the offset stays.
// [seen: DiskCryptor, "no redirect" volumes] The content is left alone here, to show the move by itself;
// volume_encryptor does both.
#include "field.h"

#define SHIFT_BYTES 2048

static NTSTATUS ShiftWrite(PFILTER_EXTENSION FilterExtension, PLARGE_INTEGER DiskByteOffset, PMDL Mdl) {
  UNREFERENCED_PARAMETER(FilterExtension);
  UNREFERENCED_PARAMETER(Mdl);
  DiskByteOffset->QuadPart += SHIFT_BYTES;
  return STATUS_SUCCESS;
}

NTSTATUS DriverEntry(PFILTER_EXTENSION FilterExtension, PFILTER_INITIALIZATION_DATA InitializationData) {
  UNREFERENCED_PARAMETER(FilterExtension);
  InitializationData->MajorVersion = 1;
  InitializationData->Flags = DUMP_FILTER_CRITICAL;
  InitializationData->DumpWrite = ShiftWrite;
  return STATUS_SUCCESS;
}
