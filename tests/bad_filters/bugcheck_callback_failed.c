// SPDX-License-Identifier: Apache-2.0
//
// Breaks bugcheck.callback-failed: it writes its notes through a pointer that it never set.
#include "bugcheck_reason.h"

static VOID OnBugCheck(KBUGCHECK_CALLBACK_REASON Reason, PKBUGCHECK_REASON_CALLBACK_RECORD Record,
                       PVOID ReasonSpecificData, ULONG ReasonSpecificDataLength) {
  UNREFERENCED_PARAMETER(Reason);
  UNREFERENCED_PARAMETER(Record);
  UNREFERENCED_PARAMETER(ReasonSpecificDataLength);
  volatile ULONG* Notes = NULL;
  UNREFERENCED_PARAMETER(ReasonSpecificData);
  *Notes = 1;
}

NTSTATUS DriverEntry(PFILTER_EXTENSION FilterExtension, PFILTER_INITIALIZATION_DATA InitializationData) {
  UNREFERENCED_PARAMETER(FilterExtension);
  return ReasonPrepare(InitializationData, KbCallbackSecondaryDumpData);
}
