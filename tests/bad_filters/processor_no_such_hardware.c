// SPDX-License-Identifier: Apache-2.0
//
// Reads the keyboard's port in DumpWrite. Nothing answers in this machine, and on Windows a dump filter would race the
// driver that owns the port.
#include "scratch.h"

static NTSTATUS BadWrite(PFILTER_EXTENSION FilterExtension, PLARGE_INTEGER DiskByteOffset, PMDL Mdl) {
  UCHAR Status;
  UNREFERENCED_PARAMETER(FilterExtension);
  UNREFERENCED_PARAMETER(DiskByteOffset);
  UNREFERENCED_PARAMETER(Mdl);

  __asm__ volatile("inb $0x64, %0" : "=a"(Status));
  return Status == 0xFF ? STATUS_SUCCESS : STATUS_UNSUCCESSFUL;
}

NTSTATUS DriverEntry(PFILTER_EXTENSION FilterExtension, PFILTER_INITIALIZATION_DATA InitializationData) {
  UNREFERENCED_PARAMETER(FilterExtension);
  InitializationData->DumpWrite = BadWrite;
  return STATUS_SUCCESS;
}
