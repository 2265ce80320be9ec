// SPDX-License-Identifier: Apache-2.0
// A file on the disk, read as the next boot reads it: through its extents, without any filter. What the raw recovery
// stands on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/offsets.hpp"
#include "base/result.hpp"
#include "disk/block_device.hpp"
#include "disk/extents.hpp"

namespace dumpsim::disk {

class FileView {
 public:
  /// `shift` is what a filter added to every offset it wrote to; bytes, a sector multiple, either sign. The device and
  /// the map are borrowed and outlive the view.
  FileView(BlockDevice& device, const ExtentMap& map, DiskOffset partition_start, std::int64_t shift = 0)
      : device_(device), map_(map), partition_start_(partition_start), shift_(shift) {}

  std::uint64_t size() const { return map_.size(); }
  /// Exactly `into.size()` bytes from `file_offset`, of any alignment. Fails when the file ends before, when an extent
  /// with its shift leaves the disk, and when the device fails.
  Result<void> read_at(std::uint64_t file_offset, std::span<std::byte> into) const;

 private:
  Result<void> read_piece(Extent piece, std::uint64_t file_offset, std::span<std::byte> into) const;

  BlockDevice& device_;
  const ExtentMap& map_;
  DiskOffset partition_start_;
  std::int64_t shift_;
};

}  // namespace dumpsim::disk
