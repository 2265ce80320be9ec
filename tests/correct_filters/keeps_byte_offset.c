// SPDX-License-Identifier: Apache-2.0
//
// Keeps the ByteOffset it was given: the copy begins at the same place in its page as the original. The scratch buffer
// has a page more than MaxPagesPerWrite for that.
#include "swap.h"

static NTSTATUS OnWrite(PFILTER_EXTENSION FilterExtension, PLARGE_INTEGER DiskByteOffset, PMDL Mdl) {
  PSWAP Swap = (PSWAP)FilterExtension->DumpData;
  ULONG Offset = MmGetMdlByteOffset(Mdl);
  ULONG Length = MmGetMdlByteCount(Mdl);
  if (Offset + Length > Swap->Length) KeBugCheckEx(SWAP_BUGCHECK, 1, 0, 0, 0);
  SwapCipher(Swap->Bytes + Offset, SwapBytesOf(Mdl), Length, DiskByteOffset->QuadPart);
  RtlCopyMemory(MmGetMdlPfnArray(Mdl), MmGetMdlPfnArray(Swap->Mdl),
                BYTES_TO_PAGES((ULONG64)Offset + Length) * sizeof(PFN_NUMBER));
  Mdl->StartVa = Swap->Bytes;
  Mdl->MappedSystemVa = Swap->Bytes + Offset;
  return STATUS_SUCCESS;
}

NTSTATUS DriverEntry(PFILTER_EXTENSION FilterExtension, PFILTER_INITIALIZATION_DATA InitializationData) {
  UNREFERENCED_PARAMETER(FilterExtension);
  InitializationData->DumpWrite = OnWrite;
  InitializationData->DumpUnload = SwapUnload;
  return SwapPrepare(InitializationData);
}
