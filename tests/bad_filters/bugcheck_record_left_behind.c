// SPDX-License-Identifier: Apache-2.0
//
// Breaks bugcheck.record-left-behind: it registers a bug check callback and forgets it in DumpUnload. Its record goes
// with the image, and the kernel's list leads into memory that is no longer there.
#include "scratch.h"

static KBUGCHECK_CALLBACK_RECORD Record;
static UCHAR Component[] = "bugcheck_record_left_behind";

static VOID OnBugCheck(PVOID Buffer, ULONG Length) {
  UNREFERENCED_PARAMETER(Buffer);
  UNREFERENCED_PARAMETER(Length);
}

NTSTATUS DriverEntry(PFILTER_EXTENSION FilterExtension, PFILTER_INITIALIZATION_DATA InitializationData) {
  UNREFERENCED_PARAMETER(FilterExtension);
  InitializationData->DumpUnload = ScratchUnload;
  KeInitializeCallbackRecord(&Record);
  if (!KeRegisterBugCheckCallback(&Record, OnBugCheck, NULL, 0, Component)) return STATUS_UNSUCCESSFUL;
  return ScratchPrepare(InitializationData);
}
