// SPDX-License-Identifier: Apache-2.0
// An exception that no handler takes: every filter is asked, from the innermost outward, then the machine stops, and no
// block of a __finally has run.
#include <ntddk.h>

#include <ntdddump.h>

#define SAY(...) DbgPrintEx(DPFLTR_IHVDRIVER_ID, DPFLTR_ERROR_LEVEL, __VA_ARGS__)

DECLSPEC_NOINLINE static void Raise(NTSTATUS Status) {
  ExRaiseStatus(Status);
}

static LONG Pass(const char* Who) {
  SAY("%s passes\n", Who);
  return EXCEPTION_CONTINUE_SEARCH;
}

static NTSTATUS EscapingWrite(PFILTER_EXTENSION Extension, PLARGE_INTEGER DiskByteOffset, PMDL Mdl) {
  UNREFERENCED_PARAMETER(Extension);
  UNREFERENCED_PARAMETER(DiskByteOffset);
  UNREFERENCED_PARAMETER(Mdl);
  __try {
    __try {
      __try {
        Raise(STATUS_UNSUCCESSFUL);
        SAY("not reached\n");
      } __except (Pass("the inner filter")) {
        SAY("not reached\n");
      }
    } __finally {
      SAY("not reached\n");
    }
  } __except (Pass("the outer filter")) {
    SAY("not reached\n");
  }
  return STATUS_SUCCESS;
}

NTSTATUS DriverEntry(PFILTER_EXTENSION FilterExtension, PFILTER_INITIALIZATION_DATA InitializationData) {
  UNREFERENCED_PARAMETER(FilterExtension);
  InitializationData->DumpWrite = EscapingWrite;
  return STATUS_SUCCESS;
}
