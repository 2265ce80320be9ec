// SPDX-License-Identifier: Apache-2.0
//
// Not bad, only strange to Linux: looks at the processor the way shipped filters do, through gs, CR8, model-specific
// registers and KUSER_SHARED_DATA, and believes none of it unless the kernel's own functions say the same.
#include <ntddk.h>

#include <intrin.h>
#include <ntdddump.h>

#define SHARED_USER 0xFFFFF78000000000ULL

// A DPC that has waited comes in when CR8 lets it, behind that very instruction, and takes no register along.
static KDPC Dpc;
static volatile LONG DpcRan;

static VOID OnDpc(PKDPC This, PVOID Context, PVOID First, PVOID Second) {
  UNREFERENCED_PARAMETER(This);
  UNREFERENCED_PARAMETER(Context);
  UNREFERENCED_PARAMETER(First);
  UNREFERENCED_PARAMETER(Second);
  __asm__ volatile("pxor %%xmm5, %%xmm5" : : : "xmm5");
  ++DpcRan;
}

static BOOLEAN DpcComesIn(VOID) {
  ULONG64 Dispatch = DISPATCH_LEVEL, Passive = PASSIVE_LEVEL, Kept = 0, Pattern = 0x1234567890ABCDEF;
  LONG Before;
  KeInitializeDpc(&Dpc, OnDpc, NULL);
  __writecr8(Dispatch);
  KeInsertQueueDpc(&Dpc, NULL, NULL);
  Before = DpcRan;
  __asm__ volatile(
      "movq %2, %%xmm5\n\t"
      "movq %2, %%r10\n\t"
      "movq %2, -64(%%rsp)\n\t"
      "stc\n\t"
      "movq %1, %%cr8\n\t"
      "jnc 1f\n\t"
      "cmpq %2, %%r10\n\t"
      "jne 1f\n\t"
      "cmpq %2, -64(%%rsp)\n\t"
      "jne 1f\n\t"
      "movq %%xmm5, %0\n"
      "1:"
      : "+&r"(Kept)
      : "r"(Passive), "r"(Pattern)
      : "memory", "cc", "r10", "xmm5");
  if (Before != 0 || DpcRan != 1 || Kept != Pattern) return FALSE;
  // Not while interrupts are off: then sti lets it in.
  _disable();
  __writecr8(Dispatch);
  KeInsertQueueDpc(&Dpc, NULL, NULL);
  __writecr8(Passive);
  if (DpcRan != 1) return FALSE;
  _enable();
  return DpcRan == 2;
}

static NTSTATUS Check(BOOLEAN Condition) {
  return Condition ? STATUS_SUCCESS : STATUS_UNSUCCESSFUL;
}

static NTSTATUS StrangeWrite(PFILTER_EXTENSION FilterExtension, PLARGE_INTEGER DiskByteOffset, PMDL Mdl) {
  UNREFERENCED_PARAMETER(FilterExtension);
  UNREFERENCED_PARAMETER(DiskByteOffset);
  UNREFERENCED_PARAMETER(Mdl);
  return Check(__readcr8() == KeGetCurrentIrql());
}

NTSTATUS DriverEntry(PFILTER_EXTENSION FilterExtension, PFILTER_INITIALIZATION_DATA InitializationData) {
  ULONG Major;
  ULONG Minor;
  RTL_OSVERSIONINFOW Version = {0};
  LARGE_INTEGER Ticks;
  UNREFERENCED_PARAMETER(FilterExtension);

  Version.dwOSVersionInfoSize = sizeof(Version);
  if (!NT_SUCCESS(RtlGetVersion(&Version))) return STATUS_UNSUCCESSFUL;
  if (__readgsqword(0x188) != (ULONG64)KeGetCurrentThread()) return STATUS_UNSUCCESSFUL;
  if (__readmsr(0xC0000101) != __readgsqword(0x18)) return STATUS_UNSUCCESSFUL;
  _disable();
  Major = *(volatile ULONG*)(SHARED_USER + 0x26C);
  Minor = *(volatile ULONG*)(SHARED_USER + 0x270);
  _enable();
  if (Major != Version.dwMajorVersion || Minor != Version.dwMinorVersion) return STATUS_UNSUCCESSFUL;
  KeQueryTickCount(&Ticks);
  if (*(volatile ULONG*)(SHARED_USER + 0x320) - Ticks.LowPart > 1) return STATUS_UNSUCCESSFUL;
  if (!DpcComesIn()) return STATUS_UNSUCCESSFUL;
  InitializationData->DumpWrite = StrangeWrite;
  return Check(__readcr8() == PASSIVE_LEVEL);
}
