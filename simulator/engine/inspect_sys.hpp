// SPDX-License-Identifier: Apache-2.0
// The part of `dumpsim inspect` that speaks of a .sys: of facts that have been read, without touching the file again.
#pragma once

#include <filesystem>
#include <string>

#include "engine/inspect.hpp"
#include "loader/pe_facts.hpp"

namespace dumpsim::engine {

std::string describe_sys(const std::filesystem::path& path, const loader::PeFacts& facts);
Inspection describe_memory_integrity(const std::filesystem::path& path, const loader::PeFacts& facts);

}  // namespace dumpsim::engine
