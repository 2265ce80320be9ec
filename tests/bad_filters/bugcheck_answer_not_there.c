// SPDX-License-Identifier: Apache-2.0
//
// Its data lies where nothing is: freed before the crash, or paged out. The address is never followed.
#include "bugcheck_reason.h"

static VOID OnBugCheck(KBUGCHECK_CALLBACK_REASON Reason, PKBUGCHECK_REASON_CALLBACK_RECORD Record,
                       PVOID ReasonSpecificData, ULONG ReasonSpecificDataLength) {
  PKBUGCHECK_SECONDARY_DUMP_DATA Data = (PKBUGCHECK_SECONDARY_DUMP_DATA)ReasonSpecificData;
  UNREFERENCED_PARAMETER(Reason);
  UNREFERENCED_PARAMETER(Record);
  UNREFERENCED_PARAMETER(ReasonSpecificDataLength);
  Data->OutBuffer = (PVOID)0x10000;
  Data->OutBufferLength = 64;
}

NTSTATUS DriverEntry(PFILTER_EXTENSION FilterExtension, PFILTER_INITIALIZATION_DATA InitializationData) {
  UNREFERENCED_PARAMETER(FilterExtension);
  return ReasonPrepare(InitializationData, KbCallbackSecondaryDumpData);
}
