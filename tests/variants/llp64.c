// SPDX-License-Identifier: Apache-2.0
// A filter that only Windows' data model builds right: its 32-bit words are unsigned long, and it declares a function
// once with its own name of the type and once with the kernel's, as a product in the field does. Where long has 64 bits
// the two declarations conflict, which is the best that can happen.
#include <ntddk.h>

#include <ntdddump.h>

#include "llp64_cipher.h"

void Llp64Schedule(Llp64Key* key, const ULONG words[4]);
C_ASSERT(sizeof(Llp64Key) == 45 * 4);

#define LLP64_TAG 'pllD'

typedef struct {
  Llp64Key Key;
  PVOID Scratch;
  PMDL ScratchMdl;
  wchar_t Name[8];
} LLP64_CONTEXT;

static NTSTATUS Llp64Start(PFILTER_EXTENSION Extension) {
  UNREFERENCED_PARAMETER(Extension);
  return STATUS_SUCCESS;
}

static NTSTATUS Llp64Write(PFILTER_EXTENSION Extension, PLARGE_INTEGER DiskByteOffset, PMDL Mdl) {
  LLP64_CONTEXT* Context = (LLP64_CONTEXT*)Extension->DumpData;
  u32 Bytes = MmGetMdlByteCount(Mdl);
  u32 Page;
  RtlCopyMemory(Context->Scratch, Mdl->MappedSystemVa, Bytes);
  Llp64Mask(&Context->Key, (u64)DiskByteOffset->QuadPart, (u8*)Context->Scratch, Bytes);
  for (Page = 0; Page < ADDRESS_AND_SIZE_TO_SPAN_PAGES(Context->Scratch, Bytes); ++Page)
    MmGetMdlPfnArray(Mdl)[Page] = MmGetMdlPfnArray(Context->ScratchMdl)[Page];
  Mdl->MappedSystemVa = Context->Scratch;
  Mdl->StartVa = PAGE_ALIGN(Context->Scratch);
  Mdl->ByteOffset = BYTE_OFFSET(Context->Scratch);
  return STATUS_SUCCESS;
}

static NTSTATUS Llp64Read(PFILTER_EXTENSION Extension, PLARGE_INTEGER DiskByteOffset, PMDL Mdl) {
  LLP64_CONTEXT* Context = (LLP64_CONTEXT*)Extension->DumpData;
  Llp64Mask(&Context->Key, (u64)DiskByteOffset->QuadPart, (u8*)Mdl->MappedSystemVa, MmGetMdlByteCount(Mdl));
  return STATUS_SUCCESS;
}

static NTSTATUS Llp64Finish(PFILTER_EXTENSION Extension) {
  UNREFERENCED_PARAMETER(Extension);
  return STATUS_SUCCESS;
}

static NTSTATUS Llp64Unload(PFILTER_EXTENSION Extension) {
  LLP64_CONTEXT* Context = (LLP64_CONTEXT*)Extension->DumpData;
  if (Context == NULL) return STATUS_SUCCESS;
  IoFreeMdl(Context->ScratchMdl);
  MmFreeContiguousMemory(Context->Scratch);
  ExFreePoolWithTag(Context, LLP64_TAG);
  Extension->DumpData = NULL;
  return STATUS_SUCCESS;
}

NTSTATUS DriverEntry(PFILTER_EXTENSION FilterExtension, PFILTER_INITIALIZATION_DATA InitializationData) {
  static const unsigned long Words[4] = {0x03020100, 0x07060504, 0x0b0a0908, 0x0f0e0d0c};
  SIZE_T Bytes = (SIZE_T)InitializationData->MaxPagesPerWrite * PAGE_SIZE;
  PHYSICAL_ADDRESS Highest;
  LLP64_CONTEXT* Context = (LLP64_CONTEXT*)ExAllocatePoolWithTag(NonPagedPoolNx, sizeof(*Context), LLP64_TAG);
  UNREFERENCED_PARAMETER(FilterExtension);
  if (Context == NULL) return STATUS_INSUFFICIENT_RESOURCES;
  Highest.QuadPart = -1;
  Llp64Schedule(&Context->Key, Words);
  wcscpy(Context->Name, L"a name");
  DbgPrintEx(DPFLTR_IHVDRIVER_ID, DPFLTR_ERROR_LEVEL, "llp64: long of %lu bytes, key word %08lx, %ws\n",
             (ULONG)sizeof(long), Context->Key.keys[31], Context->Name);
  Context->Scratch = MmAllocateContiguousMemory(Bytes, Highest);
  Context->ScratchMdl = IoAllocateMdl(Context->Scratch, (ULONG)Bytes, FALSE, FALSE, NULL);
  MmBuildMdlForNonPagedPool(Context->ScratchMdl);
  InitializationData->MajorVersion = DUMP_FILTER_MAJOR_VERSION;
  InitializationData->MinorVersion = DUMP_FILTER_MINOR_VERSION;
  InitializationData->Flags = DUMP_FILTER_CRITICAL;
  InitializationData->DumpStart = Llp64Start;
  InitializationData->DumpWrite = Llp64Write;
  InitializationData->DumpFinish = Llp64Finish;
  InitializationData->DumpUnload = Llp64Unload;
  InitializationData->DumpRead = Llp64Read;
  InitializationData->DumpData = Context;
  return STATUS_SUCCESS;
}
