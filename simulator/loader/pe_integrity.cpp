// SPDX-License-Identifier: Apache-2.0
#include "loader/pe_integrity.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

namespace dumpsim::loader {
namespace {

constexpr std::uint32_t page = 4096;

struct Hint {
  std::string_view import;
  std::uint32_t code;
  std::string_view text;
};
constexpr std::array hints{
    Hint{"ExAllocatePool", 0x2000,
         "allocates executable pool whenever its type is NonPagedPool; ask for NonPagedPoolNx"},
    Hint{"ExAllocatePoolWithTag", 0x2000, "is refused with pool type NonPagedPool; ask for NonPagedPoolNx"},
    Hint{"ExAllocatePoolWithQuotaTag", 0x2000, "is refused with pool type NonPagedPool; ask for NonPagedPoolNx"},
    Hint{"ExAllocatePoolWithTagPriority", 0x2000, "is refused with pool type NonPagedPool; ask for NonPagedPoolNx"},
    Hint{"ExInitializeNPagedLookasideList", 0x2000, "makes executable pool without POOL_NX_ALLOCATION in its flags"},
    Hint{"ExInitializeLookasideListEx", 0x2000, "is refused with pool type NonPagedPool; ask for NonPagedPoolNx"},
    Hint{"ExAllocatePool2", 0x2000, "is refused with POOL_FLAG_NON_PAGED_EXECUTE"},
    Hint{"ExAllocatePool3", 0x2000, "is refused with POOL_FLAG_NON_PAGED_EXECUTE"},
    Hint{"MmProtectMdlSystemAddress", 0x2001, "is refused with an executable page protection"},
    Hint{"ZwAllocateVirtualMemory", 0x2001, "is refused with an executable page protection"},
    Hint{"ZwMapViewOfSection", 0x2001, "is refused with an executable page protection"},
    Hint{"MmMapLockedPages", 0x2002, "maps executable memory; use MmMapLockedPagesSpecifyCache"},
    Hint{"MmMapLockedPagesSpecifyCache", 0x2002, "is refused without MdlMappingNoExecute in its priority"},
};

}  // namespace

std::vector<IntegrityFinding> check_memory_integrity(const PeFacts& facts) {
  std::vector<IntegrityFinding> findings;
  for (const PeSection& section : facts.sections) {
    if (section.writable() && section.executable()) {
      findings.push_back({0x2003, true, fmt::format("section {} is writable and executable", section.name)});
    }
  }
  if (facts.section_alignment < page) {
    findings.push_back(
        {0x2004, true,
         fmt::format("sections are aligned to {} bytes, not to pages of {}", facts.section_alignment, page)});
  }
  std::vector<std::string_view> told;
  for (const PeImport& import : facts.imports) {
    const PeSection* section = facts.section_at(import.slot);
    if (section == nullptr || !section->executable()) continue;
    if (std::find(told.begin(), told.end(), section->name) != told.end()) continue;
    told.push_back(section->name);
    findings.push_back(
        {0x2005, true, fmt::format("the import address table is in section {}, which is executable", section->name)});
  }
  for (const Hint& hint : hints) {
    const bool imported = std::any_of(facts.imports.begin(), facts.imports.end(),
                                      [&](const PeImport& import) { return import.name == hint.import; });
    if (imported) findings.push_back({hint.code, false, fmt::format("{} {}", hint.import, hint.text)});
  }
  return findings;
}

}  // namespace dumpsim::loader
