// SPDX-License-Identifier: Apache-2.0
// Functions and source lines for a backtrace's addresses and for the places at which rules were broken
// (code_places.hpp). llvm-symbolizer takes a .pdb only when its GUID and age are those that the image names. Run by the
// parent, after the fact, and only when there is something to tell.
#pragma once

#include <string>
#include <string_view>

#include "engine/plan.hpp"

namespace dumpsim::engine {

/// In the lines of `evidence` that end in "[0x1234]" (fault_evidence.hpp) the address gives way to "(file.c:12)", and a
/// function that had only its place a name; without anything known of it, to nothing. Before "[0x1234?]" the name is a
/// guess, which gives way to a function that is known with its line; its offset is not.
std::string with_source_lines(std::string_view evidence, const Images& images);

/// Function, source and line of each finding that has a site.
void locate(std::vector<Finding>& findings, const Images& images);

}  // namespace dumpsim::engine
