// SPDX-License-Identifier: Apache-2.0
// The null disk. Each write's XXH3 is chained into one number instead of being fed into one stream: the number alone
// stands in shared memory, so that a scribbling child cannot hand the parent a broken hash state.
#include "disk/null_disk.hpp"

// XXH3_state_t by value is part of the static interface only.
#define XXH_STATIC_LINKING_ONLY
#include <xxhash.h>

#include <cstring>
#include <new>
#include <utility>

#include "base/digest.hpp"
#include "base/random.hpp"

namespace dumpsim::disk {

NullDisk::NullDisk(Mapping shared, std::uint64_t size, std::uint32_t sector_size, bool digest)
    : shared_(std::move(shared)),
      counters_(new (shared_.begin()) Counters),
      size_(size),
      sector_size_(sector_size),
      digest_(digest) {}

Result<std::unique_ptr<NullDisk>> NullDisk::make(const DiskOptions& options) {
  if (auto checked = check_geometry(options.size, options.sector_size); !checked) return checked.error();
  auto shared = Mapping::shared(page_size);
  if (!shared) return shared.error();
  return std::unique_ptr<NullDisk>(new NullDisk(std::move(*shared), options.size, options.sector_size, options.digest));
}

void NullDisk::count(DiskOffset at, std::uint64_t bytes, std::uint64_t content) {
  ++counters_->writes;
  counters_->bytes += bytes;
  if (digest_) counters_->digest = mix64(counters_->digest + mix64(at.bytes + 1) + mix64(bytes + 2)) ^ content;
}

IoStatus NullDisk::read(DiskOffset at, std::span<std::byte> into) {
  if (const IoStatus status = check_transfer(at, into.size(), size_, sector_size_); status != IoStatus::ok) {
    return status;
  }
  ++counters_->reads;
  if (!into.empty()) std::memset(into.data(), 0, into.size());
  return IoStatus::ok;
}

IoStatus NullDisk::write(DiskOffset at, std::span<const std::byte> bytes) {
  if (const IoStatus status = check_transfer(at, bytes.size(), size_, sector_size_); status != IoStatus::ok) {
    return status;
  }
  count(at, bytes.size(), digest_ ? digest(bytes) : 0);
  return IoStatus::ok;
}

IoStatus NullDisk::write_gathered(DiskOffset at, std::span<const std::span<const std::byte>> pieces) {
  std::uint64_t total = 0;
  if (!total_bytes(pieces, total)) return IoStatus::out_of_range;
  if (const IoStatus status = check_transfer(at, total, size_, sector_size_); status != IoStatus::ok) return status;
  std::uint64_t content = 0;
  if (digest_) {
    // On the stack, since nothing may be allocated while the simulated machine is crashing.
    XXH3_state_t state;
    XXH3_INITSTATE(&state);
    XXH3_64bits_reset(&state);
    for (const auto piece : pieces) XXH3_64bits_update(&state, piece.data(), piece.size());
    content = XXH3_64bits_digest(&state);
  }
  count(at, total, content);
  return IoStatus::ok;
}

Result<void> NullDisk::for_each_data_range(const DataVisitor&) {
  return {};
}

}  // namespace dumpsim::disk
