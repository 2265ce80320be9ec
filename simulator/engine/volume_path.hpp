// SPDX-License-Identifier: Apache-2.0
// "Does my volume driver read back what my dump filter wrote?" The dump file as the volume's drivers give it back,
// beside what DumpRead gives back and what memory held: sector by sector, and where they first part, by every name the
// place has.
#pragma once

#include <string>

#include "disk/extents.hpp"
#include "dumpfile/memory_source.hpp"
#include "engine/recover.hpp"
#include "scenario/scenario.hpp"

namespace dumpsim::engine {

struct VolumePath {
  scenario::Recovered found = scenario::Recovered::not_tried;
  std::string detail;
};

/// Both were read of `file` to the same length; what was not read has a reason instead of bytes. Without the filters'
/// reading the volume's is compared with memory alone. Fails when bytes that are there cannot be read.
Result<VolumePath> compare_volume_path(const ReadBack& volume, const ReadBack& filters, const disk::ExtentMap& file,
                                       const dumpfile::MemorySource& memory, std::uint32_t sector_size);

}  // namespace dumpsim::engine
