// SPDX-License-Identifier: Apache-2.0
//
// Builds its MDL routines' flags into the MDL for the time of its own work, and restores on purpose what it was given.
#include "swap.h"

static NTSTATUS OnWrite(PFILTER_EXTENSION FilterExtension, PLARGE_INTEGER DiskByteOffset, PMDL Mdl) {
  PSWAP Swap = (PSWAP)FilterExtension->DumpData;
  ULONG Length = MmGetMdlByteCount(Mdl);
  CSHORT Given = Mdl->MdlFlags;
  PUCHAR Bytes = SwapBytesOf(Mdl);
  if (Length > Swap->Length) KeBugCheckEx(SWAP_BUGCHECK, 1, 0, 0, 0);
  Mdl->MdlFlags = Swap->Mdl->MdlFlags;
  SwapCipher(Swap->Bytes, Bytes, Length, DiskByteOffset->QuadPart);
  SwapPointAt(Mdl, Swap, Length);
  Mdl->MdlFlags = Given;
  return STATUS_SUCCESS;
}

NTSTATUS DriverEntry(PFILTER_EXTENSION FilterExtension, PFILTER_INITIALIZATION_DATA InitializationData) {
  UNREFERENCED_PARAMETER(FilterExtension);
  InitializationData->DumpWrite = OnWrite;
  InitializationData->DumpUnload = SwapUnload;
  return SwapPrepare(InitializationData);
}
