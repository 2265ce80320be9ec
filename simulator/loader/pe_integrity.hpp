// SPDX-License-Identifier: Apache-2.0
// What memory integrity (HVCI), which Windows 11 switches on by default, refuses of a driver, seen from the file alone,
// with the codes under which Driver Verifier's code integrity checking reports the same [doc: bug check 0xC4, 0x2000 to
// 0x2005].
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "loader/pe_facts.hpp"

namespace dumpsim::loader {

struct IntegrityFinding {
  std::uint32_t code = 0;  ///< parameter 1 of bug check 0xC4
  /// False for a hint: the file shows that it could happen, only running shows whether it does.
  bool refused = false;
  std::string text;
};

/// Refusals first, each kind in the order of the codes.
std::vector<IntegrityFinding> check_memory_integrity(const PeFacts& facts);

}  // namespace dumpsim::loader
