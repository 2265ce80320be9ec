// SPDX-License-Identifier: Apache-2.0
// The reader of driver images: whatever the bytes, it accepts or refuses, and what it accepts keeps the promises that
// the loader relies on when it writes into the mapped image.
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string_view>

#include "loader/elf_facts.hpp"

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using dumpsim::loader::ElfRelocation;
  const dumpsim::Result<dumpsim::loader::ElfFacts> facts =
      dumpsim::loader::read_elf(std::as_bytes(std::span(bytes, size)));
  if (!facts) {
    require(!facts.error().message.empty());
    return 0;
  }
  const std::uint64_t end = facts->first_page + facts->bytes;
  const auto inside = [&](std::uint64_t address, std::uint64_t length) {
    return address >= facts->first_page && address <= end && length <= end - address;
  };
  for (const auto& relocation : facts->relocations) {
    require(inside(relocation.address, 8));
    require(relocation.value != ElfRelocation::Value::import || relocation.index < facts->imports.size());
  }
  for (const auto& range : facts->writable) require(inside(range.address, range.bytes));
  // Whole pages, of which the image's last may be one.
  require(facts->relro.bytes == 0 ||
          (inside(facts->relro.address, 0) && facts->relro.bytes <= (end + 4095) / 4096 * 4096 - facts->relro.address));
  for (const auto& patch : facts->patches) require(patch.offset <= size && patch.bytes <= size - patch.offset);
  for (const auto& symbol : facts->exports) require(inside(symbol.address, 0));
  for (const auto& function : facts->functions) require(inside(function.address, 0));
  (void)dumpsim::loader::find_driver_entry(*facts).has_value();
  (void)dumpsim::loader::foreign_libraries(*facts).size();
  return 0;
}
