// SPDX-License-Identifier: Apache-2.0
// `dumpsim inspect`: what a dump or a driver image says about itself, in words. An image is parsed, never loaded; which
// of its imports the simulated kernel provides is told beside each.
#pragma once

#include <filesystem>
#include <string>

#include "base/result.hpp"

namespace dumpsim::engine {

struct Inspection {
  std::string text;
  bool refused = false;  ///< inspect_memory_integrity(): Windows 11 would not load it
};

/// Decides by the file's first bytes. Fails, naming the file, for what is neither, damaged or cannot be read.
Result<Inspection> inspect(const std::filesystem::path& path);
/// What memory integrity would refuse of a .sys. Fails for what inspect() fails for, and for what is no .sys.
Result<Inspection> inspect_memory_integrity(const std::filesystem::path& path);

}  // namespace dumpsim::engine
