// SPDX-License-Identifier: Apache-2.0
//
// Breaks scratch.overrun: its buffer has MaxPagesPerWrite pages, and it copies the pages that a write spans, not its
// bytes. A full-length MDL with a ByteOffset spans one page more.
#include "scratch.h"

static NTSTATUS BadWrite(PFILTER_EXTENSION FilterExtension, PLARGE_INTEGER DiskByteOffset, PMDL Mdl) {
  PSCRATCH Scratch = (PSCRATCH)FilterExtension->DumpData;
  ULONG Pages = ADDRESS_AND_SIZE_TO_SPAN_PAGES(Mdl->MappedSystemVa, MmGetMdlByteCount(Mdl));
  UNREFERENCED_PARAMETER(DiskByteOffset);
  RtlCopyMemory(Scratch->Bytes, PAGE_ALIGN(Mdl->MappedSystemVa), Pages * PAGE_SIZE);
  return STATUS_SUCCESS;
}

NTSTATUS DriverEntry(PFILTER_EXTENSION FilterExtension, PFILTER_INITIALIZATION_DATA InitializationData) {
  UNREFERENCED_PARAMETER(FilterExtension);
  InitializationData->DumpWrite = BadWrite;
  InitializationData->DumpUnload = ScratchUnload;
  return ScratchPrepare(InitializationData);
}
