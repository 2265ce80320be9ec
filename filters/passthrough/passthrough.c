// SPDX-License-Identifier: Apache-2.0
//
// The smallest filter that has every callback: it changes nothing and keeps nothing. It stands as the skeleton to copy,
// as the measure of what the simulator itself costs, and, built in both x64 calling conventions, as the first thing
// every change of the loader has to run.
#include <ntddk.h>

#include <ntdddump.h>

static DUMP_START PassthroughStart;
static DUMP_WRITE PassthroughWrite;
static DUMP_READ PassthroughRead;
static DUMP_FINISH PassthroughFinish;
static DUMP_UNLOAD PassthroughUnload;

static NTSTATUS PassthroughStart(PFILTER_EXTENSION FilterExtension) {
  UNREFERENCED_PARAMETER(FilterExtension);
  return STATUS_SUCCESS;
}

// Leaving the MDL and the offset alone is how a filter says "as it is".
static NTSTATUS PassthroughWrite(PFILTER_EXTENSION FilterExtension, PLARGE_INTEGER DiskByteOffset, PMDL Mdl) {
  UNREFERENCED_PARAMETER(FilterExtension);
  UNREFERENCED_PARAMETER(DiskByteOffset);
  UNREFERENCED_PARAMETER(Mdl);
  return STATUS_SUCCESS;
}

static NTSTATUS PassthroughRead(PFILTER_EXTENSION FilterExtension, PLARGE_INTEGER DiskByteOffset, PMDL Mdl) {
  UNREFERENCED_PARAMETER(FilterExtension);
  UNREFERENCED_PARAMETER(DiskByteOffset);
  UNREFERENCED_PARAMETER(Mdl);
  return STATUS_SUCCESS;
}

static NTSTATUS PassthroughFinish(PFILTER_EXTENSION FilterExtension) {
  UNREFERENCED_PARAMETER(FilterExtension);
  return STATUS_SUCCESS;
}

static NTSTATUS PassthroughUnload(PFILTER_EXTENSION FilterExtension) {
  UNREFERENCED_PARAMETER(FilterExtension);
  return STATUS_SUCCESS;
}

NTSTATUS DriverEntry(_In_ PFILTER_EXTENSION FilterExtension, _Inout_ PFILTER_INITIALIZATION_DATA InitializationData) {
  UNREFERENCED_PARAMETER(FilterExtension);

  InitializationData->DumpStart = PassthroughStart;
  InitializationData->DumpWrite = PassthroughWrite;
  InitializationData->DumpFinish = PassthroughFinish;
  InitializationData->DumpUnload = PassthroughUnload;

  // Windows 7 hands out a structure that ends before DumpRead, with the extension right behind it: only a host that
  // starts at version 2 has the field. The bit also means "critical", which a filter that cannot fail may well be.
  if (InitializationData->MajorVersion >= DUMP_FILTER_MAJOR_VERSION) {
    InitializationData->DumpRead = PassthroughRead;
    InitializationData->Flags |= DUMP_FILTER_FLAG_SYSTEM_SUPPORT_READ;
  }
  return STATUS_SUCCESS;
}
