// SPDX-License-Identifier: Apache-2.0
// The headers of a mapped PE image. The kit does not declare these, drivers do themselves. An image that was loaded as
// a shared library has no such headers, and the answer is NULL, as it is for anything else that is none.
#include <cstring>

#include "kernel/kernel.hpp"
#include "wdk/ntimage.h"
//
#include "kernel/ddi.hpp"

namespace dumpsim::kernel {
namespace {

const std::byte* nt_headers(PVOID base) {
  Kernel& kernel = current();
  const auto* bytes = static_cast<const std::byte*>(base);
  if (base == nullptr || !kernel.memory().is_readable(base)) return nullptr;
  IMAGE_DOS_HEADER dos;
  std::memcpy(&dos, bytes, sizeof dos);
  if (dos.e_magic != IMAGE_DOS_SIGNATURE || dos.e_lfanew < 0 || dos.e_lfanew > (1 << 28)) return nullptr;
  const std::byte* at = bytes + dos.e_lfanew;
  if (!kernel.memory().is_readable(at) || !kernel.memory().is_readable(at + sizeof(IMAGE_NT_HEADERS64) - 1))
    return nullptr;
  ULONG signature = 0;
  std::memcpy(&signature, at, sizeof signature);
  return signature == IMAGE_NT_SIGNATURE ? at : nullptr;
}

}  // namespace

PVOID RtlImageNtHeader(PVOID Base) {
  return const_cast<std::byte*>(nt_headers(Base));
}

PVOID RtlImageDirectoryEntryToData(PVOID Base, BOOLEAN MappedAsImage, USHORT DirectoryEntry, PULONG Size) {
  const std::byte* headers = nt_headers(Base);
  if (headers == nullptr || DirectoryEntry >= IMAGE_NUMBEROF_DIRECTORY_ENTRIES) return nullptr;
  IMAGE_NT_HEADERS64 nt;
  std::memcpy(&nt, headers, sizeof nt);
  if (DirectoryEntry >= nt.OptionalHeader.NumberOfRvaAndSizes) return nullptr;
  const IMAGE_DATA_DIRECTORY& entry = nt.OptionalHeader.DataDirectory[DirectoryEntry];
  if (entry.VirtualAddress == 0) return nullptr;
  *Size = entry.Size;
  auto* bytes = static_cast<std::byte*>(Base);
  if (MappedAsImage != FALSE || entry.VirtualAddress < nt.OptionalHeader.SizeOfHeaders) {
    return bytes + entry.VirtualAddress;
  }
  // As a file the section's bytes lie elsewhere.
  const std::byte* at = headers + offsetof(IMAGE_NT_HEADERS64, OptionalHeader) + nt.FileHeader.SizeOfOptionalHeader;
  for (USHORT i = 0; i < nt.FileHeader.NumberOfSections; ++i) {
    IMAGE_SECTION_HEADER section;
    std::memcpy(&section, at + i * sizeof section, sizeof section);
    const ULONG inside = entry.VirtualAddress - section.VirtualAddress;
    if (entry.VirtualAddress >= section.VirtualAddress && inside < section.SizeOfRawData) {
      return bytes + section.PointerToRawData + inside;
    }
  }
  return nullptr;
}

}  // namespace dumpsim::kernel
