// SPDX-License-Identifier: Apache-2.0
// A disk in a sparse image file, byte 0 of the file being byte 0 of the disk: what other tools read. A write is one
// pwrite (a gathered one, one pwritev), because this path is measured against a plain pwrite loop.
#pragma once

#include "base/file.hpp"
#include "disk/backends.hpp"

namespace dumpsim::disk {

class RawDisk final : public BlockDevice {
 public:
  /// As options.access says. A file that cannot be given its size does not stay behind when it was made here. Only
  /// regular files are accepted: an image is never a real disk by mistake.
  static Result<std::unique_ptr<RawDisk>> make(const DiskOptions& options);

  std::uint64_t size() const override { return size_; }
  std::uint32_t sector_size() const override { return sector_size_; }
  IoStatus read(DiskOffset at, std::span<std::byte> into) override;
  IoStatus write(DiskOffset at, std::span<const std::byte> bytes) override;
  IoStatus flush() override { return IoStatus::ok; }
  IoStatus write_gathered(DiskOffset at, std::span<const std::span<const std::byte>> pieces) override;
  Result<void> for_each_data_range(const DataVisitor& visit) override;

  const std::filesystem::path& path() const { return file_.path(); }

 private:
  RawDisk(File file, std::uint64_t size, std::uint32_t sector_size)
      : file_(std::move(file)), size_(size), sector_size_(sector_size) {}
  File file_;
  std::uint64_t size_;
  std::uint32_t sector_size_;
};

}  // namespace dumpsim::disk
