// SPDX-License-Identifier: Apache-2.0
//
// Breaks bugcheck.record-damaged: it initialises its callback record anew in DumpStart, to register it "once more, to
// be sure". The record is in the kernel's list already, and would be chained into it twice.
#include "scratch.h"

static KBUGCHECK_CALLBACK_RECORD Record;
static UCHAR Component[] = "bugcheck_record_damaged";

static VOID OnBugCheck(PVOID Buffer, ULONG Length) {
  UNREFERENCED_PARAMETER(Buffer);
  UNREFERENCED_PARAMETER(Length);
}

static BOOLEAN Register(VOID) {
  KeInitializeCallbackRecord(&Record);
  return KeRegisterBugCheckCallback(&Record, OnBugCheck, NULL, 0, Component);
}

static NTSTATUS BadStart(PFILTER_EXTENSION FilterExtension) {
  UNREFERENCED_PARAMETER(FilterExtension);
  return Register() ? STATUS_SUCCESS : STATUS_UNSUCCESSFUL;
}

NTSTATUS DriverEntry(PFILTER_EXTENSION FilterExtension, PFILTER_INITIALIZATION_DATA InitializationData) {
  UNREFERENCED_PARAMETER(FilterExtension);
  InitializationData->DumpStart = BadStart;
  InitializationData->DumpUnload = ScratchUnload;
  if (!Register()) return STATUS_UNSUCCESSFUL;
  return ScratchPrepare(InitializationData);
}
