// SPDX-License-Identifier: Apache-2.0
//
// In the manner of DiskCryptor [seen]: moves every write by what its own header takes, and has said so (`redirects`).
// A filter of version 1 without a DumpRead: a boot loader that knows the distance reads it back.
#include "swap.h"

#define HEADER_BYTES 4096

static NTSTATUS OnWrite(PFILTER_EXTENSION FilterExtension, PLARGE_INTEGER DiskByteOffset, PMDL Mdl) {
  PSWAP Swap = (PSWAP)FilterExtension->DumpData;
  ULONG Length = MmGetMdlByteCount(Mdl);
  if (Length > Swap->Length) KeBugCheckEx(SWAP_BUGCHECK, 1, 0, 0, 0);
  SwapCipher(Swap->Bytes, SwapBytesOf(Mdl), Length, DiskByteOffset->QuadPart);
  SwapPointAt(Mdl, Swap, Length);
  DiskByteOffset->QuadPart += HEADER_BYTES;
  return STATUS_SUCCESS;
}

NTSTATUS DriverEntry(PFILTER_EXTENSION FilterExtension, PFILTER_INITIALIZATION_DATA InitializationData) {
  UNREFERENCED_PARAMETER(FilterExtension);
  InitializationData->DumpWrite = OnWrite;
  InitializationData->DumpUnload = SwapUnload;
  return SwapPrepare(InitializationData);
}
