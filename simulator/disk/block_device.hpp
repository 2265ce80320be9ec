// SPDX-License-Identifier: Apache-2.0
// The seam between the dump port and whatever stands for the disk. Every backend keeps the same contract, which
// tests/disk/block_device_suite.hpp checks for each. Data paths return a small status, not a Result: they are hot, and
// the dump port turns them into the NTSTATUS a miniport would give.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/offsets.hpp"
#include "base/result.hpp"

namespace dumpsim::disk {

enum class IoStatus : std::uint8_t {
  ok,
  out_of_range,  ///< begins or ends beyond size(); nothing was transferred
  misaligned,    ///< offset or length is no multiple of sector_size(); nothing was transferred
  failed,        ///< the host could not; how much was transferred is unknown
};

/// "ok", "out-of-range", "misaligned", "failed"; "unknown" for a byte that is none of them.
std::string_view name_of(IoStatus status);

/// What `length` bytes from `at` would be refused with. Alignment is judged first, so that a transfer that is wrong in
/// both ways has one answer on every backend. REQUIRES: sector_size is a power of two.
constexpr IoStatus check_transfer(DiskOffset at, std::uint64_t length, std::uint64_t size, std::uint32_t sector_size) {
  if (((at.bytes | length) & (sector_size - 1)) != 0) return IoStatus::misaligned;
  if (at.bytes > size || length > size - at.bytes) return IoStatus::out_of_range;
  return IoStatus::ok;
}

/// Sees one stretch of a disk; returns false to see no more. The bytes are lent for the call.
using DataVisitor = std::function<bool(DiskOffset at, std::span<const std::byte> bytes)>;

/// Not thread-safe. Open across a fork: what the child writes, the parent reads once the child has ended.
/// An empty transfer is checked like any other and then does nothing.
class BlockDevice {
 public:
  virtual ~BlockDevice() = default;
  virtual std::uint64_t size() const = 0;         ///< bytes, a multiple of sector_size()
  virtual std::uint32_t sector_size() const = 0;  ///< 512 or 4096
  virtual IoStatus read(DiskOffset at, std::span<std::byte> into) = 0;
  virtual IoStatus write(DiskOffset at, std::span<const std::byte> bytes) = 0;
  /// Done with when what was written survives the end of this process, which every backend promises at once; a
  /// host's crash is not what a simulated disk has to survive.
  virtual IoStatus flush() = 0;
  /// Contiguous on disk, scattered in memory; each piece a multiple of nothing, their sum a multiple of sector_size().
  /// The same effect as one write() of the pieces joined; never allocates. A sum that overflows is out_of_range.
  virtual IoStatus write_gathered(DiskOffset at, std::span<const std::span<const std::byte>> pieces);

  /// Whether a read gives what was written: false for the null disk, where nothing can be recovered.
  virtual bool keeps_content() const { return true; }
  /// Shows `visit` every stretch that may hold something other than zeros, ascending, apart, in multiples of
  /// sector_size(). Holes of a sparse disk are skipped, so that a large, mostly empty disk is scanned in the time its
  /// content takes. Fails when the disk cannot be read.
  virtual Result<void> for_each_data_range(const DataVisitor& visit);
};

/// The bytes of all pieces, or false when the sum does not fit in 64 bits.
bool total_bytes(std::span<const std::span<const std::byte>> pieces, std::uint64_t& total);

}  // namespace dumpsim::disk
