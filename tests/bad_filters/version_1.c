// SPDX-License-Identifier: Apache-2.0
//
// Built with the Windows 7 kit: a FILTER_INITIALIZATION_DATA of 56 bytes without DumpRead, MajorVersion 1. Legal, and
// what the signed filters of a decade look like.
#define NTDDI_VERSION 0x06010000

#include <ntddk.h>

#include <ntdddump.h>

static NTSTATUS OldWrite(PFILTER_EXTENSION FilterExtension, PLARGE_INTEGER DiskByteOffset, PMDL Mdl) {
  UNREFERENCED_PARAMETER(FilterExtension);
  UNREFERENCED_PARAMETER(DiskByteOffset);
  UNREFERENCED_PARAMETER(Mdl);
  return STATUS_SUCCESS;
}

NTSTATUS DriverEntry(PFILTER_EXTENSION FilterExtension, PFILTER_INITIALIZATION_DATA InitializationData) {
  UNREFERENCED_PARAMETER(FilterExtension);
  C_ASSERT(sizeof(FILTER_INITIALIZATION_DATA) == 56);
  RtlZeroMemory(InitializationData, sizeof(*InitializationData));
  InitializationData->MajorVersion = DUMP_FILTER_MAJOR_VERSION;
  InitializationData->DumpWrite = OldWrite;
  return STATUS_SUCCESS;
}
