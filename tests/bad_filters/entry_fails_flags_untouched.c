// SPDX-License-Identifier: Apache-2.0
//
// Fails in DriverEntry and never touches Flags. It believes that it is not critical; from Windows 8 on it is, since
// the host's "system supports reads" is the same bit.
#include <ntddk.h>

#include <ntdddump.h>

NTSTATUS DriverEntry(PFILTER_EXTENSION FilterExtension, PFILTER_INITIALIZATION_DATA InitializationData) {
  UNREFERENCED_PARAMETER(FilterExtension);
  UNREFERENCED_PARAMETER(InitializationData);
  return STATUS_NO_SUCH_DEVICE;
}
