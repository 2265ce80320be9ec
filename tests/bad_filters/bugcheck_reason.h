// SPDX-License-Identifier: Apache-2.0
//
// What the filters with a bug check reason callback share: one record, registered in DriverEntry and taken out again in
// DumpUnload. Each source gives the routine.
#ifndef BAD_FILTERS_BUGCHECK_REASON_H
#define BAD_FILTERS_BUGCHECK_REASON_H

#include "scratch.h"

static KBUGCHECK_REASON_CALLBACK_ROUTINE OnBugCheck;
static KBUGCHECK_REASON_CALLBACK_RECORD ReasonRecord;
static UCHAR ReasonComponent[] = "bad filter";

static NTSTATUS ReasonUnload(PFILTER_EXTENSION FilterExtension) {
  KeDeregisterBugCheckReasonCallback(&ReasonRecord);
  return ScratchUnload(FilterExtension);
}

static inline NTSTATUS ReasonPrepare(PFILTER_INITIALIZATION_DATA InitializationData, KBUGCHECK_CALLBACK_REASON Reason) {
  NTSTATUS Status = ScratchPrepare(InitializationData);
  if (!NT_SUCCESS(Status)) return Status;
  InitializationData->DumpUnload = ReasonUnload;
  KeInitializeCallbackRecord(&ReasonRecord);
  return KeRegisterBugCheckReasonCallback(&ReasonRecord, OnBugCheck, Reason, ReasonComponent) ? STATUS_SUCCESS
                                                                                              : STATUS_UNSUCCESSFUL;
}

#endif  // BAD_FILTERS_BUGCHECK_REASON_H
