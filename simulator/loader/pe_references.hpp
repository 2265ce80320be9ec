// SPDX-License-Identifier: Apache-2.0
// Where an image's code uses an import: found by looking through its code for the operand that names the slot, without
// running or disassembling it. For people who want to know what a missing import would cost them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "loader/pe_facts.hpp"

namespace dumpsim::loader {

/// Import slot to the addresses of the instructions (call, jmp, mov) that use it, ascending. A jmp that calls lead to
/// (GNU linkers make one for each import) stands for those calls.
std::map<std::uint32_t, std::vector<std::uint32_t>> import_references(std::span<const std::byte> file,
                                                                      const PeFacts& facts);
/// The function around `address`, by export, symbol or function table: "XorWrite+0x12", "+0x1234" without a name.
std::string function_name(const PeFacts& facts, std::uint32_t address);

}  // namespace dumpsim::loader
