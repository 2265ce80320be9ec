// SPDX-License-Identifier: Apache-2.0
//
// Breaks lifecycle.unload-missing: allocates in DriverEntry and has nothing that frees it when dumps are switched off.
#include "scratch.h"


NTSTATUS DriverEntry(PFILTER_EXTENSION FilterExtension, PFILTER_INITIALIZATION_DATA InitializationData) {
  UNREFERENCED_PARAMETER(FilterExtension);
  return ScratchPrepare(InitializationData);
}
