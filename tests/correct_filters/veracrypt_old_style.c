// SPDX-License-Identifier: Apache-2.0
//
// In the manner of VeraCrypt up to 1.26.24 and of TrueCrypt [seen]: maps the MDL with MmGetSystemAddressForMdlSafe,
// which does nothing where it is mapped already, initialises it anew over the scratch buffer, builds it as nonpaged
// pool, and puts the old flags back. The Mm routines are beyond their documented IRQL, which Windows does not stop and
// dumpsim reports as a warning.
#include "swap.h"

static NTSTATUS OnWrite(PFILTER_EXTENSION FilterExtension, PLARGE_INTEGER DiskByteOffset, PMDL Mdl) {
  PSWAP Swap = (PSWAP)FilterExtension->DumpData;
  ULONG Length = MmGetMdlByteCount(Mdl);
  CSHORT Flags = Mdl->MdlFlags;
  PUCHAR Bytes;
  if (Length > Swap->Length || (DiskByteOffset->QuadPart & 511) != 0) KeBugCheckEx(SWAP_BUGCHECK, 1, 0, 0, 0);
  Bytes = (PUCHAR)MmGetSystemAddressForMdlSafe(Mdl, HighPagePriority);
  if (Bytes == NULL) KeBugCheckEx(SWAP_BUGCHECK, 2, 0, 0, 0);
  // MappedSystemVa may lack the offset.
  SwapCipher(Swap->Bytes, (PUCHAR)PAGE_ALIGN(Bytes) + MmGetMdlByteOffset(Mdl), Length, DiskByteOffset->QuadPart);
  MmInitializeMdl(Mdl, Swap->Bytes, Length);
  MmBuildMdlForNonPagedPool(Mdl);
  Mdl->MdlFlags = Flags;
  return STATUS_SUCCESS;
}

NTSTATUS DriverEntry(PFILTER_EXTENSION FilterExtension, PFILTER_INITIALIZATION_DATA InitializationData) {
  UNREFERENCED_PARAMETER(FilterExtension);
  InitializationData->DumpWrite = OnWrite;
  InitializationData->DumpUnload = SwapUnload;
  return SwapPrepare(InitializationData);
}
