// SPDX-License-Identifier: Apache-2.0
// The disk that keeps nothing: for benchmarks, for machines larger than the host's disks, and for runs where only the
// trace matters. What was written is counted and, on request, digested, in memory shared with the parent.
#pragma once

#include "base/mapping.hpp"
#include "disk/backends.hpp"

namespace dumpsim::disk {

class NullDisk final : public BlockDevice {
 public:
  struct Counters {
    std::uint64_t writes = 0;  ///< that were accepted, empty ones included
    std::uint64_t bytes = 0;   ///< that they carried
    std::uint64_t reads = 0;
    /// Of where each write went and of its content, in order; 0 unless asked for. The same for a gathered write and
    /// for a plain one of the joined pieces.
    std::uint64_t digest = 0;
    friend bool operator==(const Counters&, const Counters&) = default;
  };

  /// options.path and access are ignored.
  static Result<std::unique_ptr<NullDisk>> make(const DiskOptions& options);

  std::uint64_t size() const override { return size_; }
  std::uint32_t sector_size() const override { return sector_size_; }
  /// Zeros: a fixed content, so that whatever reads back (a dump log, a filter's read callback) stays deterministic.
  IoStatus read(DiskOffset at, std::span<std::byte> into) override;
  IoStatus write(DiskOffset at, std::span<const std::byte> bytes) override;
  IoStatus flush() override { return IoStatus::ok; }
  IoStatus write_gathered(DiskOffset at, std::span<const std::span<const std::byte>> pieces) override;
  bool keeps_content() const override { return false; }
  /// Shows nothing: all of it reads as zeros.
  Result<void> for_each_data_range(const DataVisitor& visit) override;

  /// As of now; the parent sees the child's. Plain numbers that a filter running wild may have overwritten: to be
  /// reported, never to be trusted as sizes.
  Counters counters() const { return *counters_; }

 private:
  NullDisk(Mapping shared, std::uint64_t size, std::uint32_t sector_size, bool digest);
  void count(DiskOffset at, std::uint64_t bytes, std::uint64_t content);

  Mapping shared_;
  Counters* counters_;  ///< in shared_
  std::uint64_t size_;
  std::uint32_t sector_size_;
  bool digest_;
};

}  // namespace dumpsim::disk
