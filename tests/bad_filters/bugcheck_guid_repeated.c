// SPDX-License-Identifier: Apache-2.0
//
// Breaks bugcheck.guid-repeated: two callbacks, two blocks, and one GUID for both, so that a debugger never finds the
// second.
#include "scratch.h"

static const GUID Tag = {0x5a9c0b11, 0x2e47, 0x4f63, {0x8a, 0x90, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66}};
static KBUGCHECK_REASON_CALLBACK_RECORD Records[2];
static UCHAR Component[] = "bugcheck_guid_repeated";

static VOID OnBugCheck(KBUGCHECK_CALLBACK_REASON Reason, PKBUGCHECK_REASON_CALLBACK_RECORD Record,
                       PVOID ReasonSpecificData, ULONG ReasonSpecificDataLength) {
  PKBUGCHECK_SECONDARY_DUMP_DATA Data = (PKBUGCHECK_SECONDARY_DUMP_DATA)ReasonSpecificData;
  UNREFERENCED_PARAMETER(Reason);
  UNREFERENCED_PARAMETER(ReasonSpecificDataLength);
  if (Data->OutBuffer != NULL) RtlFillMemory(Data->InBuffer, 16, (UCHAR)('0' + (Record - Records)));
  Data->Guid = Tag;
  Data->OutBuffer = Data->InBuffer;
  Data->OutBufferLength = 16;
}

static NTSTATUS BadUnload(PFILTER_EXTENSION FilterExtension) {
  for (ULONG i = 0; i < RTL_NUMBER_OF(Records); ++i) KeDeregisterBugCheckReasonCallback(&Records[i]);
  return ScratchUnload(FilterExtension);
}

NTSTATUS DriverEntry(PFILTER_EXTENSION FilterExtension, PFILTER_INITIALIZATION_DATA InitializationData) {
  UNREFERENCED_PARAMETER(FilterExtension);
  InitializationData->DumpUnload = BadUnload;
  for (ULONG i = 0; i < RTL_NUMBER_OF(Records); ++i) {
    KeInitializeCallbackRecord(&Records[i]);
    if (!KeRegisterBugCheckReasonCallback(&Records[i], OnBugCheck, KbCallbackSecondaryDumpData, Component)) {
      return STATUS_UNSUCCESSFUL;
    }
  }
  return ScratchPrepare(InitializationData);
}
