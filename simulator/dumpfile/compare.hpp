// SPDX-License-Identifier: Apache-2.0
// The verdict on a recovered dump: page for page against what memory held. Streams both, so that a tebibyte costs no
// memory, and counts everything, so that the report can say how much is wrong and where it begins.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "dumpfile/dump_reader.hpp"
#include "dumpfile/memory_source.hpp"
#include "dumpfile/page_set.hpp"

namespace dumpsim::dumpfile {

struct Comparison {
  struct Difference {
    Pfn pfn = 0;
    std::uint64_t file_offset = 0;   ///< of the page
    std::uint32_t byte_in_page = 0;  ///< the first byte that differs
  };
  std::uint64_t expected = 0;   ///< pages that should be there
  std::uint64_t same = 0;       ///< there, byte for byte
  std::uint64_t different = 0;  ///< there, with other content
  std::uint64_t missing = 0;    ///< expected, not stored
  std::uint64_t extra = 0;      ///< stored, not expected
  std::optional<Difference> first_different;
  std::optional<Pfn> first_missing, first_extra;

  bool identical() const { return different == 0 && missing == 0 && extra == 0; }
};

/// Fails only when the dump or the source cannot be read.
Result<Comparison> compare(const DumpReader& dump, const PageSet& expected, const MemorySource& source);
/// "identical (16,384 pages)" or "3 of 16,384 pages differ, the first pfn 0x12 at byte 0x200; …".
std::string describe(const Comparison& comparison);

}  // namespace dumpsim::dumpfile
