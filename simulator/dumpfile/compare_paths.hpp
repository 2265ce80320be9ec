// SPDX-License-Identifier: Apache-2.0
// The question an encryption author asks first: does the volume driver read back what the dump filter wrote? Two
// readings of one dump file, sector by sector, each beside what memory held where it holds pages.
#pragma once

#include <cstdint>
#include <optional>

#include "dumpfile/byte_reader.hpp"
#include "dumpfile/dump_reader.hpp"
#include "dumpfile/memory_source.hpp"

namespace dumpsim::dumpfile {

struct PathComparison {
  /// Which of the two holds what memory held, where they differ.
  enum class Right : std::uint8_t {
    unknown,  ///< no page lies there: header, bitmap, secondary data
    first,
    second,
    neither,
  };
  struct Difference {
    std::uint64_t file_offset = 0;  ///< of the sector
    std::optional<Pfn> pfn;
    Right right = Right::unknown;
  };
  std::uint64_t sectors = 0;             ///< compared
  std::uint64_t different = 0;           ///< between the two
  std::uint64_t first_wrong = 0;         ///< sectors of pages that are not memory's in the first
  std::uint64_t second_wrong = 0;        ///< and in the second; both 0 when no page could be told
  std::uint64_t alike_wrong = 0;         ///< of them: the same in both
  std::uint64_t pages = 0;               ///< compared with memory
  std::optional<Difference> difference;  ///< the first
  std::optional<Difference> wrong;       ///< the first that is alike and not memory's; right is neither

  bool identical() const { return different == 0; }
};

/// Compares the first `bytes` of both. `layout` says where which page lies; without one nothing is compared with
/// memory. With no `second`, the first is compared with memory alone, whose sectors then stand for the second's;
/// without both nothing could be said, which is an error. REQUIRES: bytes fit both and are a multiple of sector_size;
/// sector_size divides a page. Fails when one of them, or the source, cannot be read.
Result<PathComparison> compare_paths(const ByteReader& first, const ByteReader* second, const DumpReader* layout,
                                     const MemorySource& source, std::uint64_t bytes, std::uint32_t sector_size);

}  // namespace dumpsim::dumpfile
