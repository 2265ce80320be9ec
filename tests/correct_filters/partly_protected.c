// SPDX-License-Identifier: Apache-2.0
//
// Of a partition that is encrypted up to a place only, as while a product is still encrypting it: what lies behind goes
// to the disk as it is. The place is EncryptedEnd, a REG_QWORD of its service's Parameters, in bytes from the start of
// the partition; without it all is encrypted. It may lie in any sector of a write.
#include "swap.h"

// tests/cli has filters that differ from this one in where they think the end is.
#ifndef PROTECTED_END
#define SERVICE L"partly_protected"
#define PROTECTED_END(Bytes) (Bytes)
#endif

// One stack holds one instance of the image.
static ULONGLONG EncryptedEnd;

static ULONG ProtectedBytes(PLARGE_INTEGER DiskByteOffset, ULONG Length) {
  ULONGLONG Offset = (ULONGLONG)DiskByteOffset->QuadPart;
  if (Offset >= EncryptedEnd) return 0;
  return EncryptedEnd - Offset < Length ? (ULONG)(EncryptedEnd - Offset) : Length;
}

static NTSTATUS OnWrite(PFILTER_EXTENSION FilterExtension, PLARGE_INTEGER DiskByteOffset, PMDL Mdl) {
  PSWAP Swap = (PSWAP)FilterExtension->DumpData;
  ULONG Length = MmGetMdlByteCount(Mdl);
  ULONG Protected = ProtectedBytes(DiskByteOffset, Length);
  PUCHAR Bytes;
  if (Protected == 0) return STATUS_SUCCESS;
  if (Length > Swap->Length) KeBugCheckEx(SWAP_BUGCHECK, 1, 0, 0, 0);
  Bytes = SwapBytesOf(Mdl);
  SwapCipher(Swap->Bytes, Bytes, Protected, DiskByteOffset->QuadPart);
  RtlCopyMemory(Swap->Bytes + Protected, Bytes + Protected, Length - Protected);
  SwapPointAt(Mdl, Swap, Length);
  return STATUS_SUCCESS;
}

static NTSTATUS OnRead(PFILTER_EXTENSION FilterExtension, PLARGE_INTEGER DiskByteOffset, PMDL Mdl) {
  ULONG Protected = ProtectedBytes(DiskByteOffset, MmGetMdlByteCount(Mdl));
  UNREFERENCED_PARAMETER(FilterExtension);
  if (Protected != 0) {
    PUCHAR Bytes = SwapBytesOf(Mdl);
    SwapCipher(Bytes, Bytes, Protected, DiskByteOffset->QuadPart);
  }
  return STATUS_SUCCESS;
}

static NTSTATUS TakeEnd(PWSTR ValueName, ULONG ValueType, PVOID ValueData, ULONG ValueLength, PVOID Context,
                        PVOID EntryContext) {
  ULONGLONG End;
  UNREFERENCED_PARAMETER(ValueName);
  UNREFERENCED_PARAMETER(Context);
  UNREFERENCED_PARAMETER(EntryContext);
  if (ValueType != REG_QWORD || ValueLength != sizeof(End)) return STATUS_OBJECT_TYPE_MISMATCH;
  RtlCopyMemory(&End, ValueData, sizeof(End));
  EncryptedEnd = PROTECTED_END(End);
  return STATUS_SUCCESS;
}

NTSTATUS DriverEntry(PFILTER_EXTENSION FilterExtension, PFILTER_INITIALIZATION_DATA InitializationData) {
  RTL_QUERY_REGISTRY_TABLE Table[2];
  BOOLEAN HostHasRead = InitializationData->MajorVersion >= DUMP_FILTER_MAJOR_VERSION;
  NTSTATUS Status;
  UNREFERENCED_PARAMETER(FilterExtension);
  InitializationData->Flags |= DUMP_FILTER_CRITICAL;
  RtlZeroMemory(Table, sizeof(Table));
  Table[0].QueryRoutine = TakeEnd;
  Table[0].Name = (PWSTR)L"EncryptedEnd";
  EncryptedEnd = MAXULONGLONG;
  Status = RtlQueryRegistryValues(RTL_REGISTRY_SERVICES, SERVICE L"\\Parameters", Table, NULL, NULL);
  // A service without Parameters has no such value either.
  if (!NT_SUCCESS(Status) && Status != STATUS_OBJECT_NAME_NOT_FOUND) return Status;
  InitializationData->DumpWrite = OnWrite;
  InitializationData->DumpUnload = SwapUnload;
  if (HostHasRead) {
    InitializationData->MajorVersion = DUMP_FILTER_MAJOR_VERSION;
    InitializationData->DumpRead = OnRead;
    InitializationData->Flags |= DUMP_FILTER_FLAG_SYSTEM_SUPPORT_READ;
  }
  return SwapPrepare(InitializationData);
}
