// SPDX-License-Identifier: Apache-2.0
// The oracle of DumpRead: whatever reads the dump back need not cut it where it was cut when it was written. A child
// reads it in every split there is, or in a sample that it names, and compares each transfer with what was written.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/result.hpp"
#include "disk/block_device.hpp"
#include "dumpfile/dump_layout.hpp"
#include "dumpfile/memory_source.hpp"
#include "engine/dump_places.hpp"
#include "engine/next_boot.hpp"
#include "engine/plan.hpp"
#include "machine/machine.hpp"
#include "scenario/scenario.hpp"

namespace dumpsim::engine {

/// The transfers in which a file is read back: of 1 to `most_pages` pages each, beginning at each page of the first
/// such transfer and at each sector of its first page, so that both ends are cut off at sectors. When all of them come
/// to more than `limit` bytes: a sample of as many bytes, of each length alike, the file's ends among them.
class Splits {
 public:
  /// REQUIRES: bytes is a positive multiple of sector_size.
  Splits(std::uint64_t bytes, std::uint32_t sector_size, std::uint64_t most_pages, std::uint64_t seed,
         std::uint64_t limit);
  bool all() const { return all_; }
  /// Until `visit` returns false. Never a transfer of more than most_pages pages or beyond the end.
  void for_each(const std::function<bool(std::uint64_t offset, std::uint64_t length)>& visit) const;
  /// "every split into 1 to 16 pages", or which sample of them.
  std::string words() const;

 private:
  bool whole_file(std::uint64_t lead, std::uint64_t length,
                  const std::function<bool(std::uint64_t, std::uint64_t)>& visit) const;
  std::uint64_t bytes_;
  std::uint64_t sector_;
  std::uint64_t most_pages_;
  std::uint64_t seed_;
  std::uint64_t limit_;
  bool all_;
};

struct RoundTrip {
  std::string not_judged;       ///< why, when it could not be
  std::string difference;       ///< where and how, when there is one
  trace::ChangedBytes bytes;    ///< there
  std::string told;             ///< what was read, when all of it was the same
  bool ended_by_itself = true;  ///< false: something of the child may still run
};

/// Through a fresh instance of the filters, in a child. `layout` is the dump as written, `memory` what its pages held.
Result<RoundTrip> check_round_trip(const NextBoot& boot, const dumpfile::DumpLayout& layout, const DumpPlaces& places,
                                   const dumpfile::MemorySource& memory);

}  // namespace dumpsim::engine
