// SPDX-License-Identifier: Apache-2.0
//
// Breaks data.secret-found: keeps its key in pool while the machine crashes, and a dump that holds the drivers' memory
// holds the key with it. What it would have to do: take the page out of the dump (KbCallbackRemovePages).
#include <ntddk.h>

#include <ntdddump.h>

#define KEY_TAG 'yeKD'
#define KEY_BYTES 16

static NTSTATUS BadUnload(PFILTER_EXTENSION FilterExtension) {
  ExFreePoolWithTag(FilterExtension->DumpData, KEY_TAG);
  return STATUS_SUCCESS;
}

NTSTATUS DriverEntry(PFILTER_EXTENSION FilterExtension, PFILTER_INITIALIZATION_DATA InitializationData) {
  PUCHAR Key = (PUCHAR)ExAllocatePoolWithTag(NonPagedPoolNx, KEY_BYTES, KEY_TAG);
  UNREFERENCED_PARAMETER(FilterExtension);
  if (Key == NULL) return STATUS_INSUFFICIENT_RESOURCES;
  // Computed, so that it lies nowhere in the image.
  for (ULONG i = 0; i < KEY_BYTES; ++i) Key[i] = (UCHAR)(0x10 + 7 * i);
  InitializationData->DumpData = Key;
  InitializationData->DumpUnload = BadUnload;
  return STATUS_SUCCESS;
}
