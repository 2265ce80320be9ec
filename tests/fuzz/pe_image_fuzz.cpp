// SPDX-License-Identifier: Apache-2.0
// The reader of .sys images: whatever the bytes, it accepts or refuses, and what it accepts keeps the promises that the
// loader relies on when it lays the image out and writes into it.
#include <cstdint>
#include <cstdlib>
#include <span>

#include "loader/pe_facts.hpp"
#include "loader/pe_integrity.hpp"

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const dumpsim::Result<dumpsim::loader::PeFacts> facts =
      dumpsim::loader::read_pe(std::as_bytes(std::span(bytes, size)));
  if (!facts) {
    require(!facts.error().message.empty());
    return 0;
  }
  const auto inside = [&](std::uint64_t address, std::uint64_t length) {
    return address <= facts->bytes && length <= facts->bytes - address;
  };
  require(facts->bytes % 4096 == 0 && facts->header_bytes <= size && facts->header_bytes <= facts->bytes);
  std::uint64_t end = facts->header_bytes;
  for (const auto& section : facts->sections) {
    require(section.address >= end && inside(section.address, section.bytes));
    require(section.file_bytes <= section.bytes);
    require(section.file_bytes == 0 ||
            (section.file_offset <= size && section.file_bytes <= size - section.file_offset));
    require(facts->section_at(section.address) == &section);
    end = std::uint64_t{section.address} + section.bytes;
  }
  for (const std::uint32_t relocation : facts->relocations) require(inside(relocation, 8));
  for (const auto& import : facts->imports) require(inside(import.slot, 8) && !import.name.empty());
  for (const auto& row : facts->exports) require(!row.forward.empty() || inside(row.address, 0));
  for (const auto& row : facts->functions) require(inside(row.address, 1));
  require(inside(facts->function_table.address, facts->function_table.bytes) && facts->function_table.bytes % 12 == 0);
  if (facts->load_config) {
    require(inside(facts->load_config->security_cookie, 8) && inside(facts->load_config->guard_check, 8) &&
            inside(facts->load_config->guard_dispatch, 8));
  }
  require(facts->entry == 0 || facts->section_at(facts->entry) != nullptr);
  for (const auto& certificate : facts->certificates) {
    require(certificate.file_offset <= size && certificate.bytes <= size - certificate.file_offset);
  }
  (void)dumpsim::loader::check_pe_driver(*facts).has_value();
  (void)dumpsim::loader::check_memory_integrity(*facts).size();
  return 0;
}
