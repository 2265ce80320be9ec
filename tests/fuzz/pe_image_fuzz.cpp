// SPDX-License-Identifier: Apache-2.0
// The reader and loader of .sys images: whatever the bytes, they accept or refuse, and what is accepted keeps the
// promises that the loader relies on when it lays the image out and writes into it.
#include <array>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string_view>

#include "loader/pe_facts.hpp"
#include "loader/pe_image.hpp"
#include "loader/pe_integrity.hpp"
#include "loader/pe_references.hpp"
#include "loader/pe_signature.hpp"

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

constexpr std::uint32_t largest_loaded = 4u << 20;  // beyond it, an input tests the kernel's patience alone

/// Lays it out, relocates, binds, protects, discards, and takes it away. Nothing of it runs.
void load(std::span<const std::byte> file, const dumpsim::loader::PeFacts& facts) {
  if (facts.bytes > largest_loaded) return;
  static constexpr std::array<std::string_view, 1> names = {"KeGetCurrentIrql"};
  static const std::array<const void*, 1> functions = {&names};
  auto image =
      dumpsim::loader::PeImage::load("fuzzed.sys", file, {names, functions, functions}, {"dump_fuzzed", {}, 1});
  if (!image) return;
  dumpsim::loader::Image& loaded = **image;
  require(loaded.contains(loaded.entry()) && loaded.bytes() == facts.bytes);
  for (const std::span<std::byte> range : loaded.writable()) {
    require(loaded.contains(range.data()) && loaded.contains(&range.back()));
    range.front() = range.back();
  }
  for (const auto& section : loaded.sections()) {
    require(loaded.contains(section.pages.data()) && loaded.contains(&section.pages.back()));
  }
  require(!loaded.function_at(loaded.entry()).empty());
  loaded.discard_initialization();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::span<const std::byte> file = std::as_bytes(std::span(bytes, size));
  const dumpsim::Result<dumpsim::loader::PeFacts> facts = dumpsim::loader::read_pe(file);
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
            inside(facts->load_config->guard_dispatch, 8) && inside(facts->load_config->extended_check, 8) &&
            inside(facts->load_config->extended_dispatch, 8) && inside(facts->load_config->extended_table_dispatch, 8));
  }
  require(facts->entry == 0 || facts->section_at(facts->entry) != nullptr);
  for (const auto& certificate : facts->certificates) {
    require(certificate.file_offset <= size && certificate.bytes <= size - certificate.file_offset);
  }
  (void)dumpsim::loader::check_pe_driver(*facts).has_value();
  (void)dumpsim::loader::check_memory_integrity(*facts).size();
  for (const auto& certificate : facts->certificates) {
    (void)dumpsim::loader::read_signatures(file, *facts, certificate).has_value();
  }
  for (const auto& [slot, uses] : dumpsim::loader::import_references(file, *facts)) {
    for (const std::uint32_t use : uses) require(!dumpsim::loader::function_name(*facts, use).empty());
  }
  load(file, *facts);
  return 0;
}
