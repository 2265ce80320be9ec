// SPDX-License-Identifier: Apache-2.0
//
// The same kind of source in C++, with the habits of that camp: includes inside extern "C", a class, nullptr, the
// standard library after the WDK, and both widths of wide call. Compiled only.
extern "C" {
#include <ntdddump.h>
#include <ntddvol.h>
#include <ntifs.h>
}

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>

namespace {

class __declspec(novtable) CounterBase {
 public:
  virtual NTSTATUS Count(PMDL Mdl) = 0;
};

class Counter final : public CounterBase {
 public:
  NTSTATUS Count(PMDL Mdl) override {
    InterlockedExchangeAdd64(&bytes_, MmGetMdlByteCount(Mdl));
    InterlockedIncrement(&writes_);
    largest_ = std::max<ULONG>(largest_, MmGetMdlByteCount(Mdl));
    return STATUS_SUCCESS;
  }
  LONG Writes() const { return ReadNoFence(&writes_); }

 private:
  volatile LONG64 bytes_ = 0;
  volatile LONG writes_ = 0;
  ULONG largest_ = 0;
};

Counter* g_counter = nullptr;
PVOID g_previous = nullptr;
constexpr std::array<WCHAR, 4> kName = {L'd', L'u', L'm', L'p'};

NTSTATUS CountWrite(PFILTER_EXTENSION, PLARGE_INTEGER Offset, PMDL Mdl) {
  auto* previous = InterlockedExchangePointer(&g_previous, Mdl);
  if (previous == Mdl && Offset->u.LowPart % 512 != 0) {
    return STATUS_INVALID_PARAMETER;
  }
  return g_counter->Count(Mdl);
}

// The size of an array is found out.
bool NamesFit(const WCHAR* Name) {
  WCHAR wide[16];
  char narrow[16];
  return wcscpy_s(wide, Name) == 0 && wcscat_s(wide, L".sys") == 0 && wcsncpy_s(wide, Name, _TRUNCATE) != EINVAL &&
         strcpy_s(narrow, "dump") == 0 && strncat_s(narrow, "_xor", 4) == 0 && sprintf_s(narrow, "%d", 7) == 1 &&
         _snprintf_s(narrow, _TRUNCATE, "%d", 7) == 1 && swprintf_s(wide, L"%s", Name) >= 0 &&
         sprintf_s(narrow, sizeof narrow, "%d", 7) == 1 && memcpy_s(narrow, sizeof narrow, "x", 2) == 0;
}

NTSTATUS Unload(PFILTER_EXTENSION Extension) {
  DbgPrintEx(DPFLTR_IHVDRIVER_ID, DPFLTR_INFO_LEVEL, "writes: %d\n", g_counter->Writes());
  ExFreePool2(Extension->DumpData, 'tnuC', nullptr, 0);
  return STATUS_SUCCESS;
}

}  // namespace

extern "C" NTSTATUS DriverEntry(PFILTER_EXTENSION Extension, PFILTER_INITIALIZATION_DATA Data) {
  UNICODE_STRING name;
  RtlInitUnicodeString(&name, L"\\Device\\Sample");
  if (Extension->DumpType == DumpTypeUndefined || wcscmp(name.Buffer, L"\\Device\\Other") == 0 || kName[0] != L'd' ||
      min(1, 2) != 1 || !NamesFit(name.Buffer)) {
    return STATUS_INVALID_PARAMETER;
  }
  void* memory = ExAllocatePool2(POOL_FLAG_NON_PAGED, sizeof(Counter), 'tnuC');
  if (memory == nullptr) {
    return STATUS_NO_MEMORY;
  }
  g_counter = static_cast<Counter*>(memory);
  *Data = FILTER_INITIALIZATION_DATA{};
  Data->MajorVersion = DUMP_FILTER_MAJOR_VERSION;
  Data->DumpWrite = CountWrite;
  Data->DumpUnload = Unload;
  Data->DumpData = memory;
  return STATUS_SUCCESS;
}
