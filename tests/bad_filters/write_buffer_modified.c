// SPDX-License-Identifier: Apache-2.0
//
// Breaks write.buffer-modified: encrypts the pages it is given, in place. On Windows the dump comes out well and the
// machine that hibernated resumes with its memory scrambled, which is why it survives a first test.
#include <ntddk.h>

#include <ntdddump.h>

static NTSTATUS BadWrite(PFILTER_EXTENSION FilterExtension, PLARGE_INTEGER DiskByteOffset, PMDL Mdl) {
  PUCHAR Bytes = (PUCHAR)PAGE_ALIGN(Mdl->MappedSystemVa) + MmGetMdlByteOffset(Mdl);
  UNREFERENCED_PARAMETER(FilterExtension);
  UNREFERENCED_PARAMETER(DiskByteOffset);
  for (ULONG i = 0; i < MmGetMdlByteCount(Mdl); ++i) Bytes[i] ^= 0x5a;
  return STATUS_SUCCESS;
}

NTSTATUS DriverEntry(PFILTER_EXTENSION FilterExtension, PFILTER_INITIALIZATION_DATA InitializationData) {
  UNREFERENCED_PARAMETER(FilterExtension);
  InitializationData->DumpWrite = BadWrite;
  return STATUS_SUCCESS;
}
