// SPDX-License-Identifier: Apache-2.0
//
// Keeps a function that DumpWrite needs in a pageable section: as a .sys it may be paged out when the machine crashes.
#include <ntddk.h>

#include <ntdddump.h>

__attribute__((section("PAGE"), noinline)) static ULONG Pageable(ULONG Count) {
  return Count + 1;
}

static NTSTATUS BadWrite(PFILTER_EXTENSION FilterExtension, PLARGE_INTEGER DiskByteOffset, PMDL Mdl) {
  UNREFERENCED_PARAMETER(FilterExtension);
  UNREFERENCED_PARAMETER(DiskByteOffset);
  return Pageable(MmGetMdlByteCount(Mdl)) == 0 ? STATUS_UNSUCCESSFUL : STATUS_SUCCESS;
}

NTSTATUS DriverEntry(PFILTER_EXTENSION FilterExtension, PFILTER_INITIALIZATION_DATA InitializationData) {
  UNREFERENCED_PARAMETER(FilterExtension);
  InitializationData->DumpWrite = BadWrite;
  return Pageable(1) == 2 ? STATUS_SUCCESS : STATUS_UNSUCCESSFUL;  // at PASSIVE_LEVEL, where it may be
}
