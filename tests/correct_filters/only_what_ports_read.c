// SPDX-License-Identifier: Apache-2.0
//
// Leaves StartVa as it is: what moves the data reads page frames or MappedSystemVa, never StartVa.
#include "swap.h"

static NTSTATUS OnWrite(PFILTER_EXTENSION FilterExtension, PLARGE_INTEGER DiskByteOffset, PMDL Mdl) {
  PSWAP Swap = (PSWAP)FilterExtension->DumpData;
  ULONG Length = MmGetMdlByteCount(Mdl);
  if (Length > Swap->Length) KeBugCheckEx(SWAP_BUGCHECK, 1, 0, 0, 0);
  SwapCipher(Swap->Bytes, SwapBytesOf(Mdl), Length, DiskByteOffset->QuadPart);
  RtlCopyMemory(MmGetMdlPfnArray(Mdl), MmGetMdlPfnArray(Swap->Mdl), BYTES_TO_PAGES(Length) * sizeof(PFN_NUMBER));
  Mdl->MappedSystemVa = Swap->Bytes;
  Mdl->ByteOffset = 0;
  return STATUS_SUCCESS;
}

NTSTATUS DriverEntry(PFILTER_EXTENSION FilterExtension, PFILTER_INITIALIZATION_DATA InitializationData) {
  UNREFERENCED_PARAMETER(FilterExtension);
  InitializationData->DumpWrite = OnWrite;
  InitializationData->DumpUnload = SwapUnload;
  return SwapPrepare(InitializationData);
}
