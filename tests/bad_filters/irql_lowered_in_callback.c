// SPDX-License-Identifier: Apache-2.0
//
// Breaks irql.lowered-in-callback: lowers the IRQL to call what is documented for DISPATCH_LEVEL, and raises it again.
#include <ntddk.h>

#include <ntdddump.h>

static NTSTATUS BadWrite(PFILTER_EXTENSION FilterExtension, PLARGE_INTEGER DiskByteOffset, PMDL Mdl) {
  KIRQL Before = KeGetCurrentIrql();
  UNREFERENCED_PARAMETER(FilterExtension);
  UNREFERENCED_PARAMETER(DiskByteOffset);
  UNREFERENCED_PARAMETER(Mdl);
  KeLowerIrql(DISPATCH_LEVEL);
  KeRaiseIrql(Before, &Before);
  return STATUS_SUCCESS;
}

NTSTATUS DriverEntry(PFILTER_EXTENSION FilterExtension, PFILTER_INITIALIZATION_DATA InitializationData) {
  UNREFERENCED_PARAMETER(FilterExtension);
  InitializationData->DumpWrite = BadWrite;
  return STATUS_SUCCESS;
}
