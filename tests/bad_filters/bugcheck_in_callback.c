// SPDX-License-Identifier: Apache-2.0
//
// Stops the machine that is stopping already, because its keys are in the dump.
#include "bugcheck_reason.h"

static VOID OnBugCheck(KBUGCHECK_CALLBACK_REASON Reason, PKBUGCHECK_REASON_CALLBACK_RECORD Record,
                       PVOID ReasonSpecificData, ULONG ReasonSpecificDataLength) {
  UNREFERENCED_PARAMETER(Reason);
  UNREFERENCED_PARAMETER(Record);
  UNREFERENCED_PARAMETER(ReasonSpecificDataLength);
  UNREFERENCED_PARAMETER(ReasonSpecificData);
  KeBugCheckEx(0xBAD2, 1, 2, 3, 4);
}

NTSTATUS DriverEntry(PFILTER_EXTENSION FilterExtension, PFILTER_INITIALIZATION_DATA InitializationData) {
  UNREFERENCED_PARAMETER(FilterExtension);
  return ReasonPrepare(InitializationData, KbCallbackRemovePages);
}
