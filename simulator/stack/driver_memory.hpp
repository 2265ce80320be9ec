// SPDX-License-Identifier: Apache-2.0
// The drivers' own memory, for a dump that is told to hold it: what a kernel dump of Windows has of every driver, and
// where a key lies that nobody took out.
#pragma once

#include <vector>

#include "dumpfile/memory_source.hpp"
#include "stack/environment.hpp"

namespace dumpsim::stack {

/// Every page of pool and contiguous memory that is given out, and of the images that are loaded, as far as they can be
/// read. Each run is told in the trace, with whose it is where that is known.
std::vector<dumpfile::PageRun> driver_pages(Environment& env);

}  // namespace dumpsim::stack
