// SPDX-License-Identifier: Apache-2.0
// Which filters a dump stack has: what CrashControl\DumpFilters lists at that moment. crashdmp reads the list at every
// load of a stack [doc: one list for both kinds of stack], so a driver that rewrites it changes the next one.
#pragma once

#include <span>
#include <vector>

#include "stack/environment.hpp"

namespace dumpsim::kernel {
class Registry;
}  // namespace dumpsim::kernel

namespace dumpsim::stack {

/// The filters to load, in the list's order, with ids that stay the same whatever is listed. `installed` stand for the
/// files NAME.sys in System32\drivers; a file that none of them is becomes a FilterSpec without a path, named as the
/// list names it. A second entry of the same file is left out [assumed: its image is loaded already]. A value that is
/// no list lists nothing [assumed].
std::vector<FilterSpec> listed_filters(const kernel::Registry& registry, std::span<const FilterSpec> installed);

}  // namespace dumpsim::stack
