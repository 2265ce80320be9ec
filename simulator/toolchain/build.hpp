// SPDX-License-Identifier: Apache-2.0
// `dumpsim cc`: picks the way, runs the commands of command_plan.hpp, and explains what was missing. The image appears
// whole or not at all; objects live in a folder of their own, which is removed.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "toolchain/command_plan.hpp"
#include "toolchain/ways.hpp"

namespace dumpsim::toolchain {

struct Choice {
  Way way = Way::system_v;
  std::string reason;  ///< one line, for a person: why this way
};

/// The way that `request`'s sources need: sys when one of them has structured exceptions, windows when one shows a sign
/// of that (source_signs.hpp), else system-v. A source that does not preprocess decides nothing; compiling it will say
/// why. Fails without a compiler.
Result<Choice> choose_way(const Request& request, const Kit& kit, const Compilers& compilers);

/// Fills request.with_exceptions.
void find_exceptions(Request& request, const Kit& kit, const Compilers& compilers);

struct Built {
  std::string said;                       ///< what compilers and linker wrote, warnings included
  std::vector<std::string> explanations;  ///< of names that were missing, a line each
  std::vector<std::string> trapped;       ///< of an image made with Request::trap_missing: what it lacks
  bool made = false;
};

/// Runs the plan of `way`. A source that does not compile or an image that does not link is not an Error but a Built
/// with `made` false; an Error is a compiler that is not there, an output that exists, a folder that cannot be written.
/// Nothing is left behind then.
Result<Built> build(Way way, const Request& request, const Kit& kit, const Compilers& compilers, bool replace);

}  // namespace dumpsim::toolchain
