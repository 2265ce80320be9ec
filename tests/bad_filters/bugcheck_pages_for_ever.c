// SPDX-License-Identifier: Apache-2.0
//
// Asks to be called once more every time: a list that it walks and never ends.
#include "bugcheck_reason.h"

static VOID OnBugCheck(KBUGCHECK_CALLBACK_REASON Reason, PKBUGCHECK_REASON_CALLBACK_RECORD Record,
                       PVOID ReasonSpecificData, ULONG ReasonSpecificDataLength) {
  PKBUGCHECK_ADD_PAGES Data = (PKBUGCHECK_ADD_PAGES)ReasonSpecificData;
  UNREFERENCED_PARAMETER(Reason);
  UNREFERENCED_PARAMETER(Record);
  UNREFERENCED_PARAMETER(ReasonSpecificDataLength);
  Data->Flags = KB_ADD_PAGES_FLAG_PHYSICAL_ADDRESS | KB_ADD_PAGES_FLAG_ADDITIONAL_RANGES_EXIST;
  Data->Address = 0x1000;
  Data->Count = 1;
}

NTSTATUS DriverEntry(PFILTER_EXTENSION FilterExtension, PFILTER_INITIALIZATION_DATA InitializationData) {
  UNREFERENCED_PARAMETER(FilterExtension);
  return ReasonPrepare(InitializationData, KbCallbackAddPages);
}
