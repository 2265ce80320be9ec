// SPDX-License-Identifier: Apache-2.0
// Where on the disk: absolute, or relative to the partition. DumpWrite's DiskByteOffset is relative to the partition
// that holds the dump file [doc]; taking it as absolute is the field's classic bug, so here the two are types that do
// not mix.
#pragma once

#include <compare>
#include <cstdint>

namespace dumpsim {

inline constexpr std::uint64_t page_size = 4096;  ///< bytes; x64 has one page size here
inline constexpr std::uint64_t page_shift = 12;

/// A page frame number: physical address >> 12.
using Pfn = std::uint64_t;

/// Bytes from the start of the disk.
struct DiskOffset {
  std::uint64_t bytes = 0;
  friend auto operator<=>(DiskOffset, DiskOffset) = default;
  friend DiskOffset operator+(DiskOffset at, std::uint64_t length) { return {at.bytes + length}; }
};

/// Bytes from the start of the partition: what DiskByteOffset, extents and retrieval pointers are in.
struct PartitionOffset {
  std::uint64_t bytes = 0;
  friend auto operator<=>(PartitionOffset, PartitionOffset) = default;
  friend PartitionOffset operator+(PartitionOffset at, std::uint64_t length) { return {at.bytes + length}; }
  /// The only way from one to the other.
  DiskOffset on_disk(DiskOffset partition_start) const { return {partition_start.bytes + bytes}; }
};

}  // namespace dumpsim
