// SPDX-License-Identifier: Apache-2.0
//
// Breaks object.reference-left: a filter keeps the file object by which it opened its volume, through DumpUnload.
#include "main_driver.h"

static NTSTATUS KeepingUnload(PFILTER_EXTENSION FilterExtension) {
  UNREFERENCED_PARAMETER(FilterExtension);
  return STATUS_SUCCESS;
}

NTSTATUS DriverEntry(PFILTER_EXTENSION FilterExtension, PFILTER_INITIALIZATION_DATA InitializationData) {
  UNICODE_STRING Name = RTL_CONSTANT_STRING(L"\\Device\\HarddiskVolume1");
  PFILE_OBJECT File = NULL;
  PDEVICE_OBJECT Device = NULL;
  UNREFERENCED_PARAMETER(FilterExtension);
  InitializationData->DumpUnload = KeepingUnload;
  return IoGetDeviceObjectPointer(&Name, FILE_READ_DATA, &File, &Device);
}
