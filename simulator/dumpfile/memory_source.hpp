// SPDX-License-Identifier: Apache-2.0
// What physical memory contains, apart from where it is mapped: a pattern, a raw image, later a dump or an ELF core.
// The machine fills its RAM from a source before the fork, or page by page through a window when RAM is larger than the
// host's; the judge reads the same source to say whether a recovered dump is identical.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/offsets.hpp"
#include "base/result.hpp"

namespace dumpsim::dumpfile {

/// Consecutive page frames that exist. Runs of a machine are ascending, not empty and do not touch or overlap.
struct PageRun {
  Pfn base = 0;
  std::uint64_t pages = 0;
  friend bool operator==(const PageRun&, const PageRun&) = default;
};

std::uint64_t total_pages(std::span<const PageRun> runs);

class MemorySource {
 public:
  virtual ~MemorySource() = default;
  /// Writes `count` whole pages from `first` to `into`. Deterministic, thread-compatible, no allocation.
  virtual void read_pages(Pfn first, std::uint64_t count, std::byte* into) const = 0;
};

/// Every 512-byte sector carries a tag with its PFN and sector number, so that one readable sector is found and named.
struct CanaryTag {
  std::uint64_t magic;  ///< canary_magic
  std::uint64_t pfn;
  std::uint32_t sector;  ///< 0..7 within the page
  std::uint32_t check;   ///< of pfn and sector: a tag by chance is refused
};
inline constexpr std::size_t canary_sector = 512;
inline constexpr std::uint64_t canary_magic = 0x5952414e41437344ULL;  // "DsCANARY" in memory

std::unique_ptr<MemorySource> canary_source();
std::unique_ptr<MemorySource> zero_source();
std::unique_ptr<MemorySource> random_source(std::uint64_t seed);
/// A raw image: byte 0 is PFN 0. Pages beyond its end read as zeros.
Result<std::unique_ptr<MemorySource>> raw_image_source(const std::filesystem::path& path);

/// The tag at the front of a sector, if it is one and its check holds. REQUIRES: sector.size() >= 24.
bool read_canary(std::span<const std::byte> sector, CanaryTag& tag);

}  // namespace dumpsim::dumpfile
