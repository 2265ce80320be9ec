// SPDX-License-Identifier: Apache-2.0
// A disk in memory: a file made before the fork, so that the parent sees what the scenario's child wrote, in a mapping
// that children do not have. It is an anonymous file rather than anonymous memory because a file knows its holes: a 1
// TiB disk costs what is written to it and is scanned in the time that takes.
#pragma once

#include "base/shared_pages.hpp"
#include "disk/backends.hpp"

namespace dumpsim::disk {

class MemoryDisk final : public BlockDevice {
 public:
  /// Zeros. options.path and access are ignored. Fails when the host's address space has no room.
  static Result<std::unique_ptr<MemoryDisk>> make(const DiskOptions& options) { return make(options, {}); }
  /// The same in memory from `shelf`.
  static Result<std::unique_ptr<MemoryDisk>> make(const DiskOptions& options, const PageShelf& shelf);

  std::uint64_t size() const override { return pages_.size(); }
  std::uint32_t sector_size() const override { return sector_size_; }
  IoStatus read(DiskOffset at, std::span<std::byte> into) override;
  IoStatus write(DiskOffset at, std::span<const std::byte> bytes) override;
  IoStatus flush() override { return IoStatus::ok; }
  IoStatus write_gathered(DiskOffset at, std::span<const std::span<const std::byte>> pieces) override;
  Result<void> for_each_data_range(const DataVisitor& visit) override;

  /// All of the disk. Looking at a hole through this makes it cost a page; for_each_data_range does not.
  std::span<const std::byte> bytes() const { return pages_.bytes(); }

 private:
  MemoryDisk(SharedPages pages, std::uint32_t sector_size) : pages_(std::move(pages)), sector_size_(sector_size) {}
  int fd() const { return pages_.file().fd(); }
  SharedPages pages_;
  std::uint32_t sector_size_;
};

}  // namespace dumpsim::disk
