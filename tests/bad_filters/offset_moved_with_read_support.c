// SPDX-License-Identifier: Apache-2.0
//
// Breaks offset.moved-with-read-support: moves every write by 2 MiB and announces a DumpRead, as though that were
// asked where to read.
#include <ntddk.h>

#include <ntdddump.h>

#define DISTANCE 0x200000

static NTSTATUS BadWrite(PFILTER_EXTENSION FilterExtension, PLARGE_INTEGER DiskByteOffset, PMDL Mdl) {
  UNREFERENCED_PARAMETER(FilterExtension);
  UNREFERENCED_PARAMETER(Mdl);
  DiskByteOffset->QuadPart += DISTANCE;
  return STATUS_SUCCESS;
}

static NTSTATUS BadRead(PFILTER_EXTENSION FilterExtension, PLARGE_INTEGER DiskByteOffset, PMDL Mdl) {
  UNREFERENCED_PARAMETER(FilterExtension);
  UNREFERENCED_PARAMETER(DiskByteOffset);
  UNREFERENCED_PARAMETER(Mdl);
  return STATUS_SUCCESS;
}

NTSTATUS DriverEntry(PFILTER_EXTENSION FilterExtension, PFILTER_INITIALIZATION_DATA InitializationData) {
  UNREFERENCED_PARAMETER(FilterExtension);
  InitializationData->MajorVersion = DUMP_FILTER_MAJOR_VERSION;
  InitializationData->Flags |= DUMP_FILTER_FLAG_SYSTEM_SUPPORT_READ;
  InitializationData->DumpWrite = BadWrite;
  InitializationData->DumpRead = BadRead;
  return STATUS_SUCCESS;
}
