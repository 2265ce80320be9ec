// SPDX-License-Identifier: Apache-2.0
//
// Breaks bugcheck.answer-refused: it says that it has more data than MaximumAllowed, and does not look at that at all.
#include "bugcheck_reason.h"

static VOID OnBugCheck(KBUGCHECK_CALLBACK_REASON Reason, PKBUGCHECK_REASON_CALLBACK_RECORD Record,
                       PVOID ReasonSpecificData, ULONG ReasonSpecificDataLength) {
  PKBUGCHECK_SECONDARY_DUMP_DATA Data = (PKBUGCHECK_SECONDARY_DUMP_DATA)ReasonSpecificData;
  UNREFERENCED_PARAMETER(Reason);
  UNREFERENCED_PARAMETER(Record);
  UNREFERENCED_PARAMETER(ReasonSpecificDataLength);
  Data->OutBuffer = Data->InBuffer;
  Data->OutBufferLength = 0x20000000;
}

NTSTATUS DriverEntry(PFILTER_EXTENSION FilterExtension, PFILTER_INITIALIZATION_DATA InitializationData) {
  UNREFERENCED_PARAMETER(FilterExtension);
  return ReasonPrepare(InitializationData, KbCallbackSecondaryDumpData);
}
