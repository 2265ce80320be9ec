// SPDX-License-Identifier: Apache-2.0
// The extent map: two sorted views of the same extents, by file offset for the writer and by place for the judge.
#include "disk/extents.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace dumpsim::disk {

Result<ExtentMap> ExtentMap::make(std::string_view name, std::vector<Extent> extents, std::uint64_t partition_size,
                                  std::uint32_t sector_size) {
  if (sector_size != 512 && sector_size != 4096) {
    return Error{fmt::format("{}: sectors of {} bytes; expected 512 or 4096", name, sector_size)};
  }
  if (extents.size() > most_extents) {
    return Error{fmt::format("{}: {} extents; at most {} are taken", name, extents.size(), most_extents)};
  }
  ExtentMap map;
  map.starts_.reserve(extents.size());
  map.placed_.reserve(extents.size());
  for (std::size_t i = 0; i < extents.size(); ++i) {
    const PartitionOffset at = extents[i].at;
    const std::uint64_t bytes = extents[i].bytes;
    const auto wrong = [&](std::string_view what) {
      return Error{fmt::format("{}: extent {} (offset {:#x}, {} bytes) {}", name, i + 1, at.bytes, bytes, what)};
    };
    if (bytes == 0) return wrong("is empty");
    if (at.bytes % sector_size != 0 || bytes % sector_size != 0) {
      return wrong(fmt::format("does not begin and end at multiples of the sector size {}", sector_size));
    }
    if (at.bytes > partition_size || bytes > partition_size - at.bytes) {
      return wrong(fmt::format("is not inside the partition of {} bytes", partition_size));
    }
    map.starts_.push_back(map.size_);
    map.placed_.push_back({at.bytes, at.bytes + bytes, map.size_});
    // Extents that overlap are found only below, so the sum may exceed the partition until then.
    if (__builtin_add_overflow(map.size_, bytes, &map.size_)) return wrong("makes the file larger than 2^64 bytes");
  }
  std::sort(map.placed_.begin(), map.placed_.end(), [](const Placed& a, const Placed& b) { return a.begin < b.begin; });
  for (std::size_t i = 1; i < map.placed_.size(); ++i) {
    const Placed& before = map.placed_[i - 1];
    const Placed& after = map.placed_[i];
    if (after.begin >= before.end) continue;
    return Error{fmt::format("{}: the extents at {:#x} ({} bytes) and {:#x} ({} bytes) overlap", name, before.begin,
                             before.end - before.begin, after.begin, after.end - after.begin)};
  }
  map.extents_ = std::move(extents);
  return map;
}

Extent ExtentMap::piece(std::uint64_t file_offset, std::uint64_t length) const {
  if (file_offset >= size_ || length == 0) return {};
  const auto after = std::upper_bound(starts_.begin(), starts_.end(), file_offset);
  const auto index = static_cast<std::size_t>(after - starts_.begin()) - 1;
  const std::uint64_t inside = file_offset - starts_[index];
  const Extent& extent = extents_[index];
  return {extent.at + inside, std::min(length, extent.bytes - inside)};
}

bool ExtentMap::contains(PartitionOffset at, std::uint64_t length) const {
  std::uint64_t end = 0;
  if (length == 0 || __builtin_add_overflow(at.bytes, length, &end)) return false;
  auto next = std::upper_bound(placed_.begin(), placed_.end(), at.bytes,
                               [](std::uint64_t where, const Placed& extent) { return where < extent.begin; });
  if (next == placed_.begin()) return false;
  // Extents that touch on the partition carry a range across their border, whatever their order in the file.
  for (auto extent = next - 1;; ++extent) {
    if (extent->end >= end) return extent->end > at.bytes;
    if (extent->end <= at.bytes) return false;
    if (extent + 1 == placed_.end() || (extent + 1)->begin != extent->end) return false;
  }
}

bool ExtentMap::touches(PartitionOffset at, std::uint64_t length) const {
  if (length == 0) return false;
  std::uint64_t last = 0;
  if (__builtin_add_overflow(at.bytes, length - 1, &last)) last = UINT64_MAX;
  auto after = std::upper_bound(placed_.begin(), placed_.end(), last,
                                [](std::uint64_t where, const Placed& extent) { return where < extent.begin; });
  return after != placed_.begin() && (after - 1)->end > at.bytes;
}

std::optional<std::uint64_t> ExtentMap::file_offset_of(PartitionOffset at) const {
  auto after = std::upper_bound(placed_.begin(), placed_.end(), at.bytes,
                                [](std::uint64_t where, const Placed& extent) { return where < extent.begin; });
  if (after == placed_.begin() || (after - 1)->end <= at.bytes) return std::nullopt;
  return (after - 1)->file_offset + (at.bytes - (after - 1)->begin);
}

}  // namespace dumpsim::disk
