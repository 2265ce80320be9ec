// SPDX-License-Identifier: Apache-2.0
//
// A logger as a hobbyist writes it [seen: dumpzepta], with its habits kept because hosts meet them: C++ with
// DriverEntry not declared extern "C"; the list of loaded modules walked by name; the name of the volume's driver read
// off the device object it is given; CrashControl\DumpFilters rewritten; a line to a file from every callback, three
// PASSIVE_LEVEL calls at HIGH_LEVEL each time; DumpStart forgotten.
#include <string.h>

#include <ntdddump.h>
#include <ntifs.h>

namespace {

constexpr ULONG pool_tag = 0x676F4C46;  // "FLog"

// Only the head of the answer is documented by use: a count, then entries of this shape. [seen: dumpzepta]
struct Module {
  HANDLE Section;
  PVOID MappedBase;
  PVOID ImageBase;
  ULONG ImageSize;
  ULONG Flags;
  USHORT LoadOrderIndex;
  USHORT InitOrderIndex;
  USHORT LoadCount;
  USHORT OffsetToFileName;
  UCHAR FullPathName[256];
};

struct Modules {
  ULONG Count;
  Module Entry[1];
};

constexpr ULONG system_module_list = 11;

void LogLine(const char* text) {
  UNICODE_STRING name;
  OBJECT_ATTRIBUTES attributes;
  IO_STATUS_BLOCK iosb;
  HANDLE file;
  RtlInitUnicodeString(&name, L"\\??\\C:\\Windows\\field.log");
  InitializeObjectAttributes(&attributes, &name, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, nullptr, nullptr);
  NTSTATUS status =
      ZwCreateFile(&file, FILE_APPEND_DATA | SYNCHRONIZE, &attributes, &iosb, nullptr, FILE_ATTRIBUTE_NORMAL,
                   FILE_SHARE_READ, FILE_OPEN_IF, FILE_SYNCHRONOUS_IO_NONALERT | FILE_NON_DIRECTORY_FILE, nullptr, 0);
  if (!NT_SUCCESS(status)) return;
  ZwWriteFile(file, nullptr, nullptr, nullptr, &iosb, const_cast<char*>(text), static_cast<ULONG>(strlen(text)),
              nullptr, nullptr);
  ZwClose(file);
}

bool IsLoaded(const char* wanted) {
  ULONG bytes = 0;
  ZwQuerySystemInformation(static_cast<SYSTEM_INFORMATION_CLASS>(system_module_list), nullptr, 0, &bytes);
  if (bytes == 0) return false;
  auto* modules = static_cast<Modules*>(ExAllocatePoolWithTag(NonPagedPoolNx, bytes, pool_tag));
  if (modules == nullptr) return false;
  bool found = false;
  if (NT_SUCCESS(ZwQuerySystemInformation(static_cast<SYSTEM_INFORMATION_CLASS>(system_module_list), modules, bytes,
                                          &bytes))) {
    for (ULONG index = 0; index < modules->Count && !found; ++index) {
      found = strstr(reinterpret_cast<const char*>(modules->Entry[index].FullPathName), wanted) != nullptr;
    }
  }
  ExFreePoolWithTag(modules, pool_tag);
  return found;
}

// Two strings and the list's end, as REG_MULTI_SZ wants them.
void KeepInList() {
  static const WCHAR filters[] = L"registry_file_logger.sys\0dumpfve.sys\0";
  RtlWriteRegistryValue(RTL_REGISTRY_CONTROL, L"CrashControl", L"DumpFilters", REG_MULTI_SZ,
                        const_cast<WCHAR*>(filters), sizeof filters);
}

NTSTATUS OnWrite(PFILTER_EXTENSION, PLARGE_INTEGER, PMDL) {
  LogLine("write\r\n");
  return STATUS_SUCCESS;
}

NTSTATUS OnRead(PFILTER_EXTENSION, PLARGE_INTEGER, PMDL) {
  LogLine("read\r\n");
  return STATUS_SUCCESS;
}

NTSTATUS OnFinish(PFILTER_EXTENSION) {
  LogLine("finish\r\n");
  return STATUS_SUCCESS;
}

NTSTATUS OnUnload(PFILTER_EXTENSION) {
  LogLine("unload\r\n");
  return STATUS_SUCCESS;
}

}  // namespace

NTSTATUS DriverEntry(PFILTER_EXTENSION Filter, PFILTER_INITIALIZATION_DATA Data) {
  DbgPrintEx(DPFLTR_IHVDRIVER_ID, DPFLTR_ERROR_LEVEL, "logger: below is %wZ\n",
             &Filter->DeviceObject->DriverObject->DriverName);
  DbgPrintEx(DPFLTR_IHVDRIVER_ID, DPFLTR_ERROR_LEVEL, "logger: %s the dump stack\n",
             IsLoaded("dump_registry_file_logger") ? "seen in" : "not seen in");
  LogLine("entry\r\n");
  KeepInList();
  Data->MajorVersion = DUMP_FILTER_MAJOR_VERSION;
  Data->DumpFinish = OnFinish;  // the line that should have been DumpStart
  Data->DumpWrite = OnWrite;
  Data->DumpRead = OnRead;
  Data->DumpFinish = OnFinish;
  Data->DumpUnload = OnUnload;
  Data->Flags = DUMP_FILTER_FLAG_SYSTEM_SUPPORT_READ;
  return STATUS_SUCCESS;
}
