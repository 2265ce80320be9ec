// SPDX-License-Identifier: Apache-2.0
#include "loader/pe_references.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <string_view>

namespace dumpsim::loader {
namespace {

constexpr std::size_t references_kept = 64;  // of one import

struct Code {
  std::uint32_t address = 0;
  std::span<const std::byte> bytes;
};

std::vector<Code> code_of(std::span<const std::byte> file, const PeFacts& facts) {
  std::vector<Code> all;
  for (const PeSection& section : facts.sections) {
    if (section.executable()) all.push_back({section.address, file.subspan(section.file_offset, section.file_bytes)});
  }
  return all;
}

std::uint8_t byte_at(const Code& code, std::size_t at) {
  return static_cast<std::uint8_t>(code.bytes[at]);
}

/// Where the 32 bits at `at` lead, counted from behind them, as an operand relative to rip does.
std::uint64_t target(const Code& code, std::size_t at) {
  std::int32_t distance = 0;
  std::memcpy(&distance, code.bytes.data() + at, sizeof distance);
  return static_cast<std::uint64_t>(static_cast<std::int64_t>(code.address + at + 4) + distance);
}

/// What stands before an operand relative to rip: call [rip+x], jmp [rip+x], mov r64, [rip+x].
enum class Use : std::uint8_t { none, call, jump, load };
Use use_before(const Code& code, std::size_t at, std::size_t& length) {
  if (at < 2) return Use::none;
  const std::uint8_t opcode = byte_at(code, at - 2), operand = byte_at(code, at - 1);
  length = 2;
  if (opcode == 0xFF && operand == 0x15) return Use::call;
  if (opcode == 0xFF && operand == 0x25) return Use::jump;
  if (opcode != 0x8B || (operand & 0xC7) != 0x05 || at < 3 || (byte_at(code, at - 3) & 0xF8) != 0x48) return Use::none;
  length = 3;
  return Use::load;
}

}  // namespace

std::map<std::uint32_t, std::vector<std::uint32_t>> import_references(std::span<const std::byte> file,
                                                                      const PeFacts& facts) {
  std::map<std::uint32_t, std::vector<std::uint32_t>> found;
  for (const PeImport& import : facts.imports) found.emplace(import.slot, std::vector<std::uint32_t>{});
  std::map<std::uint32_t, std::uint32_t> jumps;  // of the address of a jmp to its slot
  const std::vector<Code> code = code_of(file, facts);
  const auto add = [&](std::uint32_t slot, std::uint64_t address) {
    std::vector<std::uint32_t>& uses = found[slot];
    if (uses.size() < references_kept) uses.push_back(static_cast<std::uint32_t>(address));
  };
  for (const Code& part : code) {
    for (std::size_t at = 2; at + 4 <= part.bytes.size(); ++at) {
      std::size_t length = 0;
      const Use use = use_before(part, at, length);
      if (use == Use::none) continue;
      const std::uint64_t slot = target(part, at);
      if (slot > UINT32_MAX || found.find(static_cast<std::uint32_t>(slot)) == found.end()) continue;
      const auto address = static_cast<std::uint32_t>(part.address + at - length);
      if (use == Use::jump) {
        jumps.emplace(address, static_cast<std::uint32_t>(slot));
      } else {
        add(static_cast<std::uint32_t>(slot), address);
      }
    }
  }
  for (const Code& part : code) {
    for (std::size_t at = 1; !jumps.empty() && at + 4 <= part.bytes.size(); ++at) {
      const std::uint8_t opcode = byte_at(part, at - 1);
      if (opcode != 0xE8 && opcode != 0xE9) continue;
      const std::uint64_t to = target(part, at);
      const auto jump = to > UINT32_MAX ? jumps.end() : jumps.find(static_cast<std::uint32_t>(to));
      if (jump != jumps.end()) add(jump->second, part.address + at - 1);
    }
  }
  for (auto& [slot, uses] : found) std::sort(uses.begin(), uses.end());
  return found;
}

std::string function_name(const PeFacts& facts, std::uint32_t address) {
  std::uint32_t best = 0;
  std::string_view name;
  const auto take = [&](std::uint32_t begin, std::string_view called) {
    if (begin <= address && (name.empty() || begin > best)) {
      best = begin;
      name = called;
    }
  };
  for (const PeExport& row : facts.exports) {
    if (row.forward.empty()) take(row.address, row.name);
  }
  for (const PeFunction& row : facts.functions) take(row.address, row.name);
  if (name.empty() && facts.entry != 0) take(facts.entry, "the entry point");
  if (name.empty() || facts.section_at(best) != facts.section_at(address)) return fmt::format("+{:#x}", address);
  return address == best ? std::string(name) : fmt::format("{}+{:#x}", name, address - best);
}

}  // namespace dumpsim::loader
