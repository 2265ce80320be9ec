// SPDX-License-Identifier: Apache-2.0
// A driver of 1 MiB, to measure loading: a table of pointers, each a relocation, and data. What one of that size has in
// the field is rather fewer of the former.
#include <ntddk.h>

#include <ntdddump.h>

static NTSTATUS OnWrite(PFILTER_EXTENSION Extension, PLARGE_INTEGER Offset, PMDL Mdl) {
  UNREFERENCED_PARAMETER(Extension);
  UNREFERENCED_PARAMETER(Offset);
  UNREFERENCED_PARAMETER(Mdl);
  return STATUS_SUCCESS;
}

#define TIMES_4(x) x, x, x, x
#define TIMES_16(x) TIMES_4(x), TIMES_4(x), TIMES_4(x), TIMES_4(x)
#define TIMES_256(x)                                                                                                   \
  TIMES_16(x), TIMES_16(x), TIMES_16(x), TIMES_16(x), TIMES_16(x), TIMES_16(x), TIMES_16(x), TIMES_16(x), TIMES_16(x), \
      TIMES_16(x), TIMES_16(x), TIMES_16(x), TIMES_16(x), TIMES_16(x), TIMES_16(x), TIMES_16(x)
#define TIMES_4096(x)                                                                                             \
  TIMES_256(x), TIMES_256(x), TIMES_256(x), TIMES_256(x), TIMES_256(x), TIMES_256(x), TIMES_256(x), TIMES_256(x), \
      TIMES_256(x), TIMES_256(x), TIMES_256(x), TIMES_256(x), TIMES_256(x), TIMES_256(x), TIMES_256(x), TIMES_256(x)

__attribute__((used)) static PDUMP_WRITE Table[] = {TIMES_4096(OnWrite), TIMES_4096(OnWrite), TIMES_4096(OnWrite),
                                                    TIMES_4096(OnWrite)};
__attribute__((used)) static UCHAR Data[(1 << 20) - sizeof(Table)] = {1};

NTSTATUS DriverEntry(PFILTER_EXTENSION Extension, PFILTER_INITIALIZATION_DATA InitializationData) {
  UNREFERENCED_PARAMETER(Extension);
  InitializationData->DumpWrite = Table[Data[0]];
  return STATUS_SUCCESS;
}
