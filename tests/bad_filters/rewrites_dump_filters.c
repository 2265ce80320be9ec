// SPDX-License-Identifier: Apache-2.0
// Writes itself out of DumpFilters, as an installer of another product would: the stack that is being loaded still has
// it, the next one has not.
#include <ntdddump.h>
#include <ntddk.h>

NTSTATUS DriverEntry(PFILTER_EXTENSION FilterExtension, PFILTER_INITIALIZATION_DATA FilterInitialization) {
  static WCHAR list[] = L"passthrough.sys\0";
  UNREFERENCED_PARAMETER(FilterExtension);
  FilterInitialization->Flags &= ~DUMP_FILTER_CRITICAL;
  return RtlWriteRegistryValue(RTL_REGISTRY_CONTROL, L"CrashControl", L"DumpFilters", REG_MULTI_SZ, list, sizeof(list));
}
