// SPDX-License-Identifier: Apache-2.0
//
// In the manner of VeraCrypt since 2025 [seen]: no kernel routine at HIGH_LEVEL. Takes the address from MappedSystemVa,
// writes the scratch buffer's page frames, StartVa, MappedSystemVa and ByteOffset into the MDL, leaves the flags alone.
#include "swap.h"

static NTSTATUS OnWrite(PFILTER_EXTENSION FilterExtension, PLARGE_INTEGER DiskByteOffset, PMDL Mdl) {
  PSWAP Swap = (PSWAP)FilterExtension->DumpData;
  ULONG Length = MmGetMdlByteCount(Mdl);
  if (Length > Swap->Length) KeBugCheckEx(SWAP_BUGCHECK, 1, 0, 0, 0);
  SwapCipher(Swap->Bytes, SwapBytesOf(Mdl), Length, DiskByteOffset->QuadPart);
  SwapPointAt(Mdl, Swap, Length);
  return STATUS_SUCCESS;
}

static NTSTATUS OnRead(PFILTER_EXTENSION FilterExtension, PLARGE_INTEGER DiskByteOffset, PMDL Mdl) {
  PUCHAR Bytes = SwapBytesOf(Mdl);
  UNREFERENCED_PARAMETER(FilterExtension);
  SwapCipher(Bytes, Bytes, MmGetMdlByteCount(Mdl), DiskByteOffset->QuadPart);
  return STATUS_SUCCESS;
}

NTSTATUS DriverEntry(PFILTER_EXTENSION FilterExtension, PFILTER_INITIALIZATION_DATA InitializationData) {
  UNREFERENCED_PARAMETER(FilterExtension);
  InitializationData->DumpWrite = OnWrite;
  InitializationData->DumpUnload = SwapUnload;
  // Earlier versions have no such field.
  if (InitializationData->MajorVersion >= DUMP_FILTER_MAJOR_VERSION) {
    InitializationData->Flags |= DUMP_FILTER_FLAG_SYSTEM_SUPPORT_READ;
    InitializationData->DumpRead = OnRead;
  }
  return SwapPrepare(InitializationData);
}
