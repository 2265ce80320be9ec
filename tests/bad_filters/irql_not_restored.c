// SPDX-License-Identifier: Apache-2.0
//
// Breaks irql.not-restored: raises the IRQL around its initialisation and leaves through a path on which nobody lowers
// it.
#include <ntddk.h>

#include <ntdddump.h>

NTSTATUS DriverEntry(PFILTER_EXTENSION FilterExtension, PFILTER_INITIALIZATION_DATA InitializationData) {
  KIRQL Before;
  UNREFERENCED_PARAMETER(FilterExtension);
  KeRaiseIrql(DISPATCH_LEVEL, &Before);
  if (InitializationData->MaxPagesPerWrite != 0) return STATUS_SUCCESS;
  KeLowerIrql(Before);
  return STATUS_SUCCESS;
}
