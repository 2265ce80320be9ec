// SPDX-License-Identifier: Apache-2.0
// The dump port with its miniport: takes the MDL as the last filter left it and moves the bytes, by page frame as DMA
// does or through the mapped address as programmed I/O does. It knows nothing of files and splits only at its transfer
// limit.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/offsets.hpp"
#include "stack/environment.hpp"

struct _MDL;

namespace dumpsim::stack {

/// What a command costs in virtual time, in 100 ns units: a disk of 512 MB/s behind a fixed 20 us. [assumed] Only order
/// matters.
constexpr std::uint64_t transfer_time(std::uint64_t bytes) {
  return 200 + bytes / 51;
}

class DumpPort {
 public:
  DumpPort(Environment& env, std::size_t pages_capacity);

  std::int32_t open();
  std::int32_t write(PartitionOffset at, const _MDL* mdl);
  std::int32_t read(PartitionOffset at, const _MDL* mdl);
  std::int32_t finish();
  bool is_open() const { return open_; }

  void keep_data(bool keep) { keep_ = keep; }
  const std::vector<std::byte>& kept() const { return kept_; }

 private:
  /// The transfer's memory as contiguous pieces; false when the MDL describes memory that is not there.
  bool gather(const _MDL* mdl);
  std::int32_t transfer(PartitionOffset at, const _MDL* mdl, bool write);
  void next_batch(std::uint64_t length);
  disk::IoStatus read_batch(DiskOffset at, std::uint64_t length);
  std::uint64_t digest_of_batch() const;

  Environment& env_;
  std::size_t pages_capacity_;
  std::uint64_t limit_;
  bool by_pfn_;
  bool open_ = false;
  bool keep_ = false;
  std::vector<std::span<std::byte>> pieces_;
  std::vector<std::span<const std::byte>> batch_;
  std::size_t piece_ = 0;   // where in pieces_ the next batch begins,
  std::uint64_t used_ = 0;  // and how much of that piece has gone
  std::vector<std::byte> bounce_;
  std::vector<std::byte> kept_;
};

}  // namespace dumpsim::stack
