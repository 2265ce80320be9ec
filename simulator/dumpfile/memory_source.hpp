// SPDX-License-Identifier: Apache-2.0
// What physical memory contains, apart from where it is mapped: a pattern, a raw image, a dump or an ELF core.
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
#include "dumpfile/byte_reader.hpp"

namespace dumpsim::dumpfile {

/// Consecutive page frames that exist. Runs of a machine are ascending, not empty and do not touch or overlap.
struct PageRun {
  Pfn base = 0;
  std::uint64_t pages = 0;
  friend bool operator==(const PageRun&, const PageRun&) = default;
};

/// The sum of all pages. REQUIRES: it fits in 64 bits, as it does for checked runs.
std::uint64_t total_pages(std::span<const PageRun> runs);

class MemorySource {
 public:
  virtual ~MemorySource() = default;
  /// Writes `count` whole pages from `first` to `into`. Deterministic, thread-compatible, no allocation.
  virtual void read_pages(Pfn first, std::uint64_t count, std::byte* into) const = 0;
  /// Where those pages lie in this process's memory, in one piece, for whoever only looks; nullptr when they do not.
  virtual const std::byte* lend_pages(Pfn, std::uint64_t) const { return nullptr; }
  /// The first failure of a host read since the source was made, if any: the pages it concerned were given as zeros.
  /// Patterns never fail. Ask after reading whatever a verdict rests on.
  virtual Result<void> health() const { return {}; }
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

/// The first position at or after `from` (a multiple of 512) where a whole sector of `bytes` begins with canary_magic;
/// bytes.size() when there is none. The check of the tag is not looked at.
std::size_t next_canary_magic(std::span<const std::byte> bytes, std::size_t from);

/// Calls found(offset, tag) for every sector of `bytes`, at multiples of 512, that carries a checked tag, in order.
template <class Found>
void scan_canary(std::span<const std::byte> bytes, Found&& found) {
  for (std::size_t at = next_canary_magic(bytes, 0); at < bytes.size();
       at = next_canary_magic(bytes, at + canary_sector)) {
    CanaryTag tag;
    if (read_canary(bytes.subspan(at, canary_sector), tag)) found(at, static_cast<const CanaryTag&>(tag));
  }
}

/// Memory found in a file, with the page frames it says exist.
struct ImageSource {
  std::unique_ptr<MemorySource> source;
  std::vector<PageRun> runs;  ///< ascending, not empty, apart
  std::string_view form;      ///< "raw image", "dump", "ELF core"
};

/// The pages of an existing 64-bit kernel dump with pages in it (complete, bitmap or range form). `runs` are the pages
/// it stores; others read as zeros. Refused when its pages are encrypted or lie in more than 4 million pieces.
Result<ImageSource> dump_source(const std::filesystem::path& path);
/// A 64-bit little-endian ELF core whose PT_LOAD segments carry physical addresses (p_paddr), as QEMU's
/// dump-guest-memory writes it. Where segments overlap, the first in the file counts. A process core is refused.
Result<ImageSource> elf_core_source(const std::filesystem::path& path);
/// Decides by the first bytes: a kernel dump, an ELF core, else a raw image. Forms that are known and cannot serve
/// (hibernation file, minidump, 32-bit dump) are refused by name, not taken as raw; an empty file is refused too.
Result<ImageSource> open_image_source(const std::filesystem::path& path);
/// The same over any bytes.
Result<ImageSource> open_image_source(std::shared_ptr<const ByteReader> bytes);

}  // namespace dumpsim::dumpfile
