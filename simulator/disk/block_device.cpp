// SPDX-License-Identifier: Apache-2.0
// What a backend gets for free: a gathered write made of plain writes, and a scan made of plain reads. A decorator such
// as the faulty device inherits both, so that every fault it plans is met on these paths too.
#include "disk/block_device.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cstring>
#include <vector>

namespace dumpsim::disk {

std::string_view name_of(IoStatus status) {
  switch (status) {
    case IoStatus::ok:
      return "ok";
    case IoStatus::out_of_range:
      return "out-of-range";
    case IoStatus::misaligned:
      return "misaligned";
    case IoStatus::failed:
      return "failed";
  }
  return "unknown";
}

bool total_bytes(std::span<const std::span<const std::byte>> pieces, std::uint64_t& total) {
  total = 0;
  for (const auto piece : pieces) {
    if (__builtin_add_overflow(total, piece.size(), &total)) return false;
  }
  return true;
}

IoStatus BlockDevice::write_gathered(DiskOffset at, std::span<const std::span<const std::byte>> pieces) {
  std::uint64_t total = 0;
  if (!total_bytes(pieces, total)) return IoStatus::out_of_range;
  const std::uint32_t sector = sector_size();
  if (const IoStatus status = check_transfer(at, total, size(), sector); status != IoStatus::ok) return status;

  // A sector that lies in several pieces is joined here; whole sectors go straight from the piece.
  std::array<std::byte, 4096> joined;
  assert(sector <= joined.size());
  std::size_t filled = 0;
  for (auto piece : pieces) {
    while (!piece.empty()) {
      if (filled == 0 && piece.size() >= sector) {
        const std::size_t whole = piece.size() - piece.size() % sector;
        if (const IoStatus status = write(at, piece.first(whole)); status != IoStatus::ok) return status;
        at = at + whole;
        piece = piece.subspan(whole);
        continue;
      }
      const std::size_t take = std::min<std::size_t>(piece.size(), sector - filled);
      std::memcpy(joined.data() + filled, piece.data(), take);
      filled += take;
      piece = piece.subspan(take);
      if (filled < sector) continue;
      if (const IoStatus status = write(at, {joined.data(), sector}); status != IoStatus::ok) return status;
      at = at + sector;
      filled = 0;
    }
  }
  return IoStatus::ok;
}

Result<void> BlockDevice::for_each_data_range(const DataVisitor& visit) {
  std::vector<std::byte> buffer(std::min<std::uint64_t>(size(), 1u << 20));
  for (DiskOffset at{0}; at.bytes < size();) {
    const std::size_t length = std::min<std::uint64_t>(buffer.size(), size() - at.bytes);
    const std::span<std::byte> part(buffer.data(), length);
    if (const IoStatus status = read(at, part); status != IoStatus::ok) {
      return Error{fmt::format("cannot read {} bytes of the disk at {:#x}: {}", length, at.bytes, name_of(status))};
    }
    if (!visit(at, part)) return {};
    at = at + length;
  }
  return {};
}

}  // namespace dumpsim::disk
