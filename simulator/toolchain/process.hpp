// SPDX-License-Identifier: Apache-2.0
// Runs a compiler or a linker and keeps what it said. The tools speak plain English here (LC_ALL=C), because what they
// say is read again, by explain.hpp.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/result.hpp"

namespace dumpsim::toolchain {

struct Said {
  int exit_code = 0;   ///< 128 + the signal's number when one ended it
  std::string output;  ///< standard output
  std::string errors;  ///< standard error
};

/// The first of `names` that is an executable file in a folder of the environment's PATH; empty when none is.
std::filesystem::path find_program(const std::vector<std::string>& names);

/// Runs `command` (its first word is looked up on the PATH) to its end, without standard input. Fails only when it
/// cannot be started; output beyond 16 MiB a stream is dropped.
Result<Said> run(const std::vector<std::string>& command);

}  // namespace dumpsim::toolchain
