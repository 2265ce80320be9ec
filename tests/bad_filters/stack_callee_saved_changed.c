// SPDX-License-Identifier: Apache-2.0
//
// Breaks stack.callee-saved-changed: a write callback in assembly that uses rbx without saving it. rbx belongs to the
// caller in both x64 conventions.
#include <ntddk.h>

#include <ntdddump.h>

NTSTATUS BadWrite(PFILTER_EXTENSION FilterExtension, PLARGE_INTEGER DiskByteOffset, PMDL Mdl);

__asm__(
    ".text\n"
    ".hidden BadWrite\n"
    ".globl BadWrite\n"
    ".type BadWrite, @function\n"
    "BadWrite:\n"
    "  movl $0x0bad0bad, %ebx\n"
    "  xorl %eax, %eax\n"
    "  ret\n"
    ".size BadWrite, . - BadWrite\n");

NTSTATUS DriverEntry(PFILTER_EXTENSION FilterExtension, PFILTER_INITIALIZATION_DATA InitializationData) {
  UNREFERENCED_PARAMETER(FilterExtension);
  InitializationData->DumpWrite = BadWrite;
  return STATUS_SUCCESS;
}
