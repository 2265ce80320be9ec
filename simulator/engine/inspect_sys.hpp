// SPDX-License-Identifier: Apache-2.0
// The part of `dumpsim inspect` that speaks of a .sys.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>

#include "engine/inspect.hpp"
#include "loader/pe_facts.hpp"

namespace dumpsim::engine {

/// `file`: the whole of `path`.
std::string describe_sys(const std::filesystem::path& path, std::span<const std::byte> file,
                         const loader::PeFacts& facts);
Inspection describe_memory_integrity(const std::filesystem::path& path, const loader::PeFacts& facts);

}  // namespace dumpsim::engine
