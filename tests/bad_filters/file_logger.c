// SPDX-License-Identifier: Apache-2.0
// Logs to a file: appends a line in DriverEntry, and tries again in DumpStart, at an IRQL where files cannot be used.
#include <ntdddump.h>
#include <ntddk.h>

static NTSTATUS append(const char* text, ULONG length) {
  UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\??\\C:\\ProgramData\\filter\\log.txt");
  OBJECT_ATTRIBUTES attributes;
  IO_STATUS_BLOCK io;
  HANDLE file;
  NTSTATUS status;
  InitializeObjectAttributes(&attributes, &name, OBJ_KERNEL_HANDLE | OBJ_CASE_INSENSITIVE, NULL, NULL);
  status = ZwCreateFile(&file, FILE_APPEND_DATA | SYNCHRONIZE, &attributes, &io, NULL, FILE_ATTRIBUTE_NORMAL,
                        FILE_SHARE_READ, FILE_OPEN_IF, FILE_SYNCHRONOUS_IO_NONALERT | FILE_NON_DIRECTORY_FILE, NULL, 0);
  if (!NT_SUCCESS(status)) return status;
  status = ZwWriteFile(file, NULL, NULL, NULL, &io, (PVOID)text, length, NULL, NULL);
  ZwClose(file);
  return status;
}

static NTSTATUS NTAPI Dump_Start(PFILTER_EXTENSION FilterExtension) {
  UNREFERENCED_PARAMETER(FilterExtension);
  if (!NT_SUCCESS(append("start\n", 6))) DbgPrint("file_logger: no file in a crash\n");
  return STATUS_SUCCESS;
}

NTSTATUS DriverEntry(PFILTER_EXTENSION FilterExtension, PFILTER_INITIALIZATION_DATA FilterInitialization) {
  UNREFERENCED_PARAMETER(FilterExtension);
  FilterInitialization->Flags &= ~DUMP_FILTER_CRITICAL;
  FilterInitialization->DumpStart = Dump_Start;
  return append("entry\n", 6);
}
