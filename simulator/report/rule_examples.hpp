// SPDX-License-Identifier: Apache-2.0
// Wrong and right code for each rule. It stands in docs/rules.md and nowhere else: the build puts that file into the
// program.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace dumpsim::report {

struct RuleExample {
  std::string wrong;  ///< C code, ending in a newline
  std::string right;
};

/// docs/rules.md as it was when the program was built.
std::string_view manual_of_rules();

/// The blocks behind "Wrong:" and "Right:" of the rule's section in `manual`; absent when one is not there.
std::optional<RuleExample> example_of(std::string_view slug, std::string_view manual = manual_of_rules());

}  // namespace dumpsim::report
