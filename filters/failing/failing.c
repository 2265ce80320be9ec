// SPDX-License-Identifier: Apache-2.0
//
// A neighbour nobody wants: returns STATUS_UNSUCCESSFUL from the callback that its parameter FailAt names, and does
// nothing else. Put it before or behind a filter to see how that one fares when the stack goes on without it.
#include <ntddk.h>

#include <ntdddump.h>

// Values of FailAt, a REG_DWORD under the service's Parameters.
typedef enum _FAIL_AT {
  FailAtNothing,
  FailAtEntry,
  FailAtStart,
  FailAtWrite,
  FailAtRead,
  FailAtFinish,
  FailAtUnload,
} FAIL_AT;

static ULONG FailAt;

static DUMP_START FailingStart;
static DUMP_WRITE FailingWrite;
static DUMP_READ FailingRead;
static DUMP_FINISH FailingFinish;
static DUMP_UNLOAD FailingUnload;

static NTSTATUS StatusAt(FAIL_AT Where) {
  return FailAt == (ULONG)Where ? STATUS_UNSUCCESSFUL : STATUS_SUCCESS;
}

static NTSTATUS FailingStart(PFILTER_EXTENSION FilterExtension) {
  UNREFERENCED_PARAMETER(FilterExtension);
  return StatusAt(FailAtStart);
}

static NTSTATUS FailingWrite(PFILTER_EXTENSION FilterExtension, PLARGE_INTEGER DiskByteOffset, PMDL Mdl) {
  UNREFERENCED_PARAMETER(FilterExtension);
  UNREFERENCED_PARAMETER(DiskByteOffset);
  UNREFERENCED_PARAMETER(Mdl);
  return StatusAt(FailAtWrite);
}

static NTSTATUS FailingRead(PFILTER_EXTENSION FilterExtension, PLARGE_INTEGER DiskByteOffset, PMDL Mdl) {
  UNREFERENCED_PARAMETER(FilterExtension);
  UNREFERENCED_PARAMETER(DiskByteOffset);
  UNREFERENCED_PARAMETER(Mdl);
  return StatusAt(FailAtRead);
}

static NTSTATUS FailingFinish(PFILTER_EXTENSION FilterExtension) {
  UNREFERENCED_PARAMETER(FilterExtension);
  return StatusAt(FailAtFinish);
}

static NTSTATUS FailingUnload(PFILTER_EXTENSION FilterExtension) {
  UNREFERENCED_PARAMETER(FilterExtension);
  return StatusAt(FailAtUnload);
}

NTSTATUS DriverEntry(PFILTER_EXTENSION FilterExtension, PFILTER_INITIALIZATION_DATA InitializationData) {
  static const ULONG Nothing = FailAtNothing;
  RTL_QUERY_REGISTRY_TABLE Query[2];
  UNREFERENCED_PARAMETER(FilterExtension);
  RtlZeroMemory(Query, sizeof(Query));
  Query[0].Flags = RTL_QUERY_REGISTRY_DIRECT | RTL_QUERY_REGISTRY_TYPECHECK;
  Query[0].Name = (PWSTR)L"FailAt";
  Query[0].EntryContext = &FailAt;
  Query[0].DefaultType = (REG_DWORD << RTL_QUERY_REGISTRY_TYPECHECK_SHIFT) | REG_DWORD;
  Query[0].DefaultData = (PVOID)&Nothing;
  Query[0].DefaultLength = sizeof(Nothing);
  RtlQueryRegistryValues(RTL_REGISTRY_SERVICES, L"failing\\Parameters", Query, NULL, NULL);
  InitializationData->Flags = DUMP_FILTER_FLAG_SYSTEM_SUPPORT_READ;
  if (StatusAt(FailAtEntry) != STATUS_SUCCESS) {
    InitializationData->Flags = 0;  // not critical: the stack goes on
    return STATUS_UNSUCCESSFUL;
  }
  InitializationData->DumpStart = FailingStart;
  InitializationData->DumpWrite = FailingWrite;
  InitializationData->DumpFinish = FailingFinish;
  InitializationData->DumpUnload = FailingUnload;
  // Earlier versions have no such field.
  if (InitializationData->MajorVersion >= DUMP_FILTER_MAJOR_VERSION) InitializationData->DumpRead = FailingRead;
  return STATUS_SUCCESS;
}
