// SPDX-License-Identifier: Apache-2.0
// Told what bug check callbacks make of a dump while it is written, so that whoever judges the recovered dump knows
// what it has to hold: memory alone no longer says it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "dumpfile/memory_source.hpp"

namespace dumpsim::stack {

class DumpWitness {
 public:
  virtual ~DumpWitness() = default;
  /// Pages that callbacks added to those planned, then those they took away; in the order they were named, overlaps
  /// included.
  virtual void pages_changed(std::span<const dumpfile::PageRun> added, std::span<const dumpfile::PageRun> removed) = 0;
  /// What a page that is no RAM (pool, an image's data) held when it was written.
  virtual void page_written(Pfn pfn, std::span<const std::byte> bytes) = 0;
  /// A block of secondary data, in the order of the file.
  virtual void secondary(std::uint16_t image, const std::array<std::byte, 16>& guid,
                         std::span<const std::byte> bytes) = 0;
};

}  // namespace dumpsim::stack
