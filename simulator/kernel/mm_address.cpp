// SPDX-License-Identifier: Apache-2.0
// Addresses: virtual to physical and back, and kernel routines by name.
#include <string>

#include "kernel/exported_variables.hpp"
#include "kernel/exports.hpp"
#include "kernel/kernel.hpp"
#include "kernel/text.hpp"
//
#include "kernel/ddi.hpp"

namespace dumpsim::kernel {

// 0 for an address that is not mapped, as drivers test it [seen: dumpfve calls it for every page].
PHYSICAL_ADDRESS MmGetPhysicalAddress(PVOID BaseAddress) {
  machine::PhysicalMemory& memory = current().memory();
  PHYSICAL_ADDRESS result;
  result.QuadPart = 0;
  if (!memory.is_readable(BaseAddress)) return result;
  const std::uint64_t offset = reinterpret_cast<std::uintptr_t>(BaseAddress) % page_size;
  result.QuadPart = static_cast<LONGLONG>(memory.pfn_of(BaseAddress) * page_size + offset);
  return result;
}

PVOID MmGetVirtualForPhysical(PHYSICAL_ADDRESS PhysicalAddress) {
  const auto address = static_cast<std::uint64_t>(PhysicalAddress.QuadPart);
  std::byte* page = current().memory().address_of(address >> page_shift);
  return page == nullptr ? nullptr : page + address % page_size;
}

BOOLEAN MmIsAddressValid(PVOID VirtualAddress) {
  return current().memory().is_readable(VirtualAddress) ? TRUE : FALSE;
}

// The entry point in the caller's own convention; NULL for what this kernel does not simulate, which drivers must
// expect from an older Windows anyway [doc].
PVOID MmGetSystemRoutineAddress(PUNICODE_STRING SystemRoutineName) {
  char name[96];
  std::size_t length = 0;
  for (; length < SystemRoutineName->Length / sizeof(WCHAR) && length < sizeof name; ++length) {
    const WCHAR unit = SystemRoutineName->Buffer[length];
    if (unit >= 0x80) return nullptr;
    name[length] = static_cast<char>(unit);
  }
  for (const ExportedVariable& variable : exported_variables()) {
    if (variable.name == std::string_view(name, length)) return const_cast<void*>(variable.address);
  }
  const Export* row = find_export({name, length});
  if (row == nullptr) return nullptr;
  return const_cast<void*>(row->entry(current().caller_convention()));
}

MM_SYSTEMSIZE MmQuerySystemSize(VOID) {
  return MmLargeSystem;
}

}  // namespace dumpsim::kernel
