// SPDX-License-Identifier: Apache-2.0
//
// Breaks data.not-deterministic: prints the processor's counter. The trace is another one in every run.
#include <ntddk.h>

#include <ntdddump.h>

static NTSTATUS BadStart(PFILTER_EXTENSION FilterExtension) {
  UNREFERENCED_PARAMETER(FilterExtension);
  DbgPrint("started at %llu\n", __builtin_ia32_rdtsc());
  return STATUS_SUCCESS;
}

NTSTATUS DriverEntry(PFILTER_EXTENSION FilterExtension, PFILTER_INITIALIZATION_DATA InitializationData) {
  UNREFERENCED_PARAMETER(FilterExtension);
  InitializationData->DumpStart = BadStart;
  return STATUS_SUCCESS;
}
