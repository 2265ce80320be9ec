// SPDX-License-Identifier: Apache-2.0
//
// Breaks pool.leak: its DumpUnload does nothing, as if the machine always ended with the dump. Dumps can be disabled
// at run time, and every hibernation loads and unloads the filter once more.
#include "scratch.h"

static NTSTATUS BadUnload(PFILTER_EXTENSION FilterExtension) {
  UNREFERENCED_PARAMETER(FilterExtension);
  return STATUS_SUCCESS;
}

NTSTATUS DriverEntry(PFILTER_EXTENSION FilterExtension, PFILTER_INITIALIZATION_DATA InitializationData) {
  UNREFERENCED_PARAMETER(FilterExtension);
  InitializationData->DumpUnload = BadUnload;
  return ScratchPrepare(InitializationData);
}
