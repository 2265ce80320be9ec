// SPDX-License-Identifier: Apache-2.0
// Where a file lies on its partition. A dump file may be fragmented and the dump port knows nothing of files: crashdmp,
// above the filters, turns ranges of the file into partition-relative pieces, one physical write each [seen: DMPFLT,
// BLOG]. The same map says whether a write landed inside the file, and serves the recovery.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/offsets.hpp"
#include "base/result.hpp"

namespace dumpsim::disk {

/// A contiguous part of a file, or any contiguous range of a partition.
struct Extent {
  PartitionOffset at;
  std::uint64_t bytes = 0;
  friend bool operator==(const Extent&, const Extent&) = default;
};

/// Windows' usual allocation unit; fragments begin on its multiples.
inline constexpr std::uint64_t cluster_size = 4096;
/// More is taken for a mistake or an attack: a 1 TiB file in pieces of 1 MiB is within it.
inline constexpr std::size_t most_extents = std::size_t{1} << 20;

/// Ordered as in the file. Immutable once made; lookups never allocate.
class ExtentMap {
 public:
  /// An empty file: size 0, no lookup gives anything.
  ExtentMap() = default;

  /// Checks that every extent is non-empty, begins and ends at sectors inside the partition, and that no two overlap
  /// (touching is fine). `name` ("dump file") goes to the front of the message. Fails naming the first wrong extent.
  static Result<ExtentMap> make(std::string_view name, std::vector<Extent> extents, std::uint64_t partition_size,
                                std::uint32_t sector_size);

  std::uint64_t size() const { return size_; }  ///< bytes of the file
  bool empty() const { return extents_.empty(); }
  std::span<const Extent> extents() const { return extents_; }

  /// The contiguous piece at `file_offset`, at most `length` bytes: its bytes are 0 exactly when `length` is 0 or the
  /// file ends at or before `file_offset`.
  Extent piece(std::uint64_t file_offset, std::uint64_t length) const;

  /// Calls visit(Extent piece, std::uint64_t file_offset) for each contiguous piece of [file_offset, +length) in file
  /// order, until it returns false. Returns whether all of the range was visited: false also when the file is shorter.
  template <class Visit>
  bool for_each_piece(std::uint64_t file_offset, std::uint64_t length, Visit&& visit) const {
    while (length > 0) {
      const Extent part = piece(file_offset, length);
      if (part.bytes == 0 || !visit(part, file_offset)) return false;
      file_offset += part.bytes;
      length -= part.bytes;
    }
    return true;
  }

  /// Whether [at, +length) is non-empty and lies wholly inside the file's extents, in whatever order they are.
  bool contains(PartitionOffset at, std::uint64_t length) const;
  /// Whether any byte of [at, +length) is one of the file's.
  bool touches(PartitionOffset at, std::uint64_t length) const;
  /// Which byte of the file lies at `at`.
  std::optional<std::uint64_t> file_offset_of(PartitionOffset at) const;

 private:
  struct Placed {
    std::uint64_t begin;        ///< on the partition
    std::uint64_t end;          ///< one past the last byte
    std::uint64_t file_offset;  ///< of begin
  };
  std::vector<Extent> extents_;
  std::vector<std::uint64_t> starts_;  ///< file offset of each extent
  std::vector<Placed> placed_;         ///< the same extents by place
  std::uint64_t size_ = 0;
};

/// What a file is to be laid out as.
struct FileShape {
  std::uint64_t size = 0;       ///< bytes, a sector multiple
  std::uint32_t fragments = 1;  ///< exactly so many extents
  std::uint64_t seed = 1;       ///< one seed is one layout
};

/// The start of a partition that no file takes: the boot sectors, 16 sectors of 512 bytes on NTFS [doc].
inline constexpr std::uint64_t boot_area = 8192;

/// Lays a file out in `shape.fragments` extents that begin at cluster multiples (all but the last in file order are
/// cluster multiples long too), keep off `reserved` (any order, may overlap) and the boot area, are spread over the
/// free space and shuffled; no extent continues the one before it. Fails, saying how much is free and in how many
/// pieces, when the file does not fit.
Result<ExtentMap> lay_out_file(std::string_view name, const FileShape& shape, std::uint64_t partition_size,
                               std::uint32_t sector_size, std::span<const Extent> reserved);

}  // namespace dumpsim::disk
