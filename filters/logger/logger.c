// SPDX-License-Identifier: Apache-2.0
//
// Prints every callback with its offset and length, and protects nothing. It is the filter to put between two others
// to see what the first one left behind: it prints what the MDL says when it is called, after the filters before it.
// DbgPrintEx above DIRQL is beyond its documented limit; filters in the field do it all the same while debugging, and
// the format sticks to numbers, because counted and wide strings need PASSIVE_LEVEL.
#include <ntddk.h>

#include <ntdddump.h>

// What a debugger shows unless it is told otherwise.
#define LOGGER_LEVEL DPFLTR_ERROR_LEVEL

static DUMP_START LoggerStart;
static DUMP_WRITE LoggerWrite;
static DUMP_READ LoggerRead;
static DUMP_FINISH LoggerFinish;
static DUMP_UNLOAD LoggerUnload;

static NTSTATUS LoggerStart(PFILTER_EXTENSION FilterExtension) {
  DbgPrintEx(DPFLTR_IHVDRIVER_ID, LOGGER_LEVEL, "logger: start, dump type %u\n", (ULONG)FilterExtension->DumpType);
  return STATUS_SUCCESS;
}

static NTSTATUS LoggerWrite(PFILTER_EXTENSION FilterExtension, PLARGE_INTEGER DiskByteOffset, PMDL Mdl) {
  UNREFERENCED_PARAMETER(FilterExtension);
  DbgPrintEx(DPFLTR_IHVDRIVER_ID, LOGGER_LEVEL, "logger: write 0x%I64x +0x%x, flags 0x%x\n", DiskByteOffset->QuadPart,
             MmGetMdlByteCount(Mdl), (ULONG)(USHORT)Mdl->MdlFlags);
  return STATUS_SUCCESS;
}

static NTSTATUS LoggerRead(PFILTER_EXTENSION FilterExtension, PLARGE_INTEGER DiskByteOffset, PMDL Mdl) {
  UNREFERENCED_PARAMETER(FilterExtension);
  DbgPrintEx(DPFLTR_IHVDRIVER_ID, LOGGER_LEVEL, "logger: read 0x%I64x +0x%x, flags 0x%x\n", DiskByteOffset->QuadPart,
             MmGetMdlByteCount(Mdl), (ULONG)(USHORT)Mdl->MdlFlags);
  return STATUS_SUCCESS;
}

static NTSTATUS LoggerFinish(PFILTER_EXTENSION FilterExtension) {
  UNREFERENCED_PARAMETER(FilterExtension);
  DbgPrintEx(DPFLTR_IHVDRIVER_ID, LOGGER_LEVEL, "logger: finish\n");
  return STATUS_SUCCESS;
}

static NTSTATUS LoggerUnload(PFILTER_EXTENSION FilterExtension) {
  UNREFERENCED_PARAMETER(FilterExtension);
  DbgPrintEx(DPFLTR_IHVDRIVER_ID, LOGGER_LEVEL, "logger: unload\n");
  return STATUS_SUCCESS;
}

NTSTATUS DriverEntry(_In_ PFILTER_EXTENSION FilterExtension, _Inout_ PFILTER_INITIALIZATION_DATA InitializationData) {
  DbgPrintEx(DPFLTR_IHVDRIVER_ID, LOGGER_LEVEL, "logger: dump type %u, version %u.%u, %u pages a write, flags 0x%x\n",
             (ULONG)FilterExtension->DumpType, InitializationData->MajorVersion, InitializationData->MinorVersion,
             InitializationData->MaxPagesPerWrite, InitializationData->Flags);

  InitializationData->DumpStart = LoggerStart;
  InitializationData->DumpWrite = LoggerWrite;
  InitializationData->DumpFinish = LoggerFinish;
  InitializationData->DumpUnload = LoggerUnload;
  // A version 1 host has no room for DumpRead.
  if (InitializationData->MajorVersion >= DUMP_FILTER_MAJOR_VERSION) {
    InitializationData->DumpRead = LoggerRead;
    InitializationData->Flags |= DUMP_FILTER_FLAG_SYSTEM_SUPPORT_READ;
  }
  return STATUS_SUCCESS;
}
