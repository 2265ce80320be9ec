// SPDX-License-Identifier: Apache-2.0
//
// Sends its own process SIGABRT, as code linked against a user-mode library does when it gives up.
#include <ntddk.h>

#include <ntdddump.h>

static NTSTATUS BadWrite(PFILTER_EXTENSION FilterExtension, PLARGE_INTEGER DiskByteOffset, PMDL Mdl) {
  UNREFERENCED_PARAMETER(FilterExtension);
  UNREFERENCED_PARAMETER(DiskByteOffset);
  UNREFERENCED_PARAMETER(Mdl);

  long Process, Ignored;
  __asm__ volatile("syscall" : "=a"(Process) : "a"(39L) : "rcx", "r11", "memory");  // getpid
  // kill(process, SIGABRT)
  __asm__ volatile("syscall" : "=a"(Ignored) : "a"(62L), "D"(Process), "S"(6L) : "rcx", "r11", "memory");
  return STATUS_SUCCESS;
}

NTSTATUS DriverEntry(PFILTER_EXTENSION FilterExtension, PFILTER_INITIALIZATION_DATA InitializationData) {
  UNREFERENCED_PARAMETER(FilterExtension);
  InitializationData->DumpWrite = BadWrite;
  return STATUS_SUCCESS;
}
