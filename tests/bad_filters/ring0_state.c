// SPDX-License-Identifier: Apache-2.0
//
// Not bad, only strange to Linux: looks at the processor the way shipped filters do, through gs, CR8, model-specific
// registers and KUSER_SHARED_DATA, and believes none of it unless the kernel's own functions say the same.
#include <ntddk.h>

#include <ntdddump.h>

#define SHARED_USER 0xFFFFF78000000000ULL

static ULONG64 ReadGs(ULONG Offset) {
  ULONG64 Value;
  __asm__ volatile("movq %%gs:(%1), %0" : "=r"(Value) : "r"((ULONG64)Offset));
  return Value;
}

static ULONG64 ReadIrql(VOID) {
  ULONG64 Value;
  __asm__ volatile("movq %%cr8, %0" : "=r"(Value));
  return Value;
}

static NTSTATUS Check(BOOLEAN Condition) {
  return Condition ? STATUS_SUCCESS : STATUS_UNSUCCESSFUL;
}

static NTSTATUS StrangeWrite(PFILTER_EXTENSION FilterExtension, PLARGE_INTEGER DiskByteOffset, PMDL Mdl) {
  UNREFERENCED_PARAMETER(FilterExtension);
  UNREFERENCED_PARAMETER(DiskByteOffset);
  UNREFERENCED_PARAMETER(Mdl);
  return Check(ReadIrql() == KeGetCurrentIrql());
}

NTSTATUS DriverEntry(PFILTER_EXTENSION FilterExtension, PFILTER_INITIALIZATION_DATA InitializationData) {
  ULONG Low;
  ULONG High;
  ULONG Major;
  ULONG Minor;
  RTL_OSVERSIONINFOW Version = {0};
  LARGE_INTEGER Ticks;
  UNREFERENCED_PARAMETER(FilterExtension);

  Version.dwOSVersionInfoSize = sizeof(Version);
  if (!NT_SUCCESS(RtlGetVersion(&Version))) return STATUS_UNSUCCESSFUL;
  if (ReadGs(0x188) != (ULONG64)KeGetCurrentThread()) return STATUS_UNSUCCESSFUL;
  __asm__ volatile("rdmsr" : "=a"(Low), "=d"(High) : "c"(0xC0000101));
  if (((ULONG64)High << 32 | Low) != ReadGs(0x18)) return STATUS_UNSUCCESSFUL;
  __asm__ volatile("cli");
  Major = *(volatile ULONG*)(SHARED_USER + 0x26C);
  Minor = *(volatile ULONG*)(SHARED_USER + 0x270);
  __asm__ volatile("sti");
  if (Major != Version.dwMajorVersion || Minor != Version.dwMinorVersion) return STATUS_UNSUCCESSFUL;
  KeQueryTickCount(&Ticks);
  if (*(volatile ULONG*)(SHARED_USER + 0x320) - Ticks.LowPart > 1) return STATUS_UNSUCCESSFUL;
  InitializationData->DumpWrite = StrangeWrite;
  return Check(ReadIrql() == PASSIVE_LEVEL);
}
