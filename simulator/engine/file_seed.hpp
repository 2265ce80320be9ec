// SPDX-License-Identifier: Apache-2.0
// The files of a machine at the border to the host: read in before the fork, looked at in the child when its life is
// over, and kept by the parent. To the parent what the child hands over is outside bytes.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "kernel/file_tree.hpp"
#include "scenario/scenario.hpp"

namespace dumpsim::engine {

/// The same with the content of every host file read. Fails naming the place in the scenario.
Result<std::vector<scenario::FileSpec>> with_host_files(const scenario::Scenario& scenario,
                                                        std::span<const scenario::FileSpec> files);

/// Puts them on the volume. A file that does not fit, or below a file, is left out: with_host_files() has refused it.
void seed_files(kernel::FileTree& tree, std::span<const scenario::FileSpec> files);

/// What the volume is expected to hold and does not, a line each; empty when all is as expected.
std::string unmet_in_files(const kernel::FileTree& tree, std::span<const scenario::FileSpec> expected);

/// All files with their paths and contents, into a block that the parent shares. False when they do not fit.
bool hand_over(const kernel::FileTree& tree, std::span<std::byte> block);
/// Writes what a child handed over below `folder`, which is made. Nothing outside it is written, whatever the block
/// says: names are checked, and links on the way are refused.
Result<void> keep_files(std::span<const std::byte> block, const std::filesystem::path& folder, bool replace);

}  // namespace dumpsim::engine
