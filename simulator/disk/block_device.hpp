// SPDX-License-Identifier: Apache-2.0
// The seam between the dump port and whatever stands for the disk. Every backend keeps the same contract, which
// tests/disk/block_device_suite.hpp checks for each. Data paths return a small status, not a Result: they are hot, and
// the dump port turns them into the NTSTATUS a miniport would give.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/offsets.hpp"

namespace dumpsim::disk {

enum class IoStatus : std::uint8_t {
  ok,
  out_of_range,  ///< begins or ends beyond size(); nothing was transferred
  misaligned,    ///< offset or length is no multiple of sector_size(); nothing was transferred
  failed,        ///< the host could not; how much was transferred is unknown
};

class BlockDevice {
 public:
  virtual ~BlockDevice() = default;
  virtual std::uint64_t size() const = 0;         ///< bytes, a multiple of sector_size()
  virtual std::uint32_t sector_size() const = 0;  ///< 512 or 4096
  virtual IoStatus read(DiskOffset at, std::span<std::byte> into) = 0;
  virtual IoStatus write(DiskOffset at, std::span<const std::byte> bytes) = 0;
  virtual IoStatus flush() = 0;
  /// Contiguous on disk, scattered in memory; each piece a multiple of nothing, their sum a multiple of sector_size().
  virtual IoStatus write_gathered(DiskOffset at, std::span<const std::span<const std::byte>> pieces);
};

}  // namespace dumpsim::disk
