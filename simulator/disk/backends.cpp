// SPDX-License-Identifier: Apache-2.0
// The scheme table: which backends there are and what they are called.
#include "disk/backends.hpp"

#include <fmt/format.h>

#include <array>

#include "base/text.hpp"
#include "disk/memory_disk.hpp"
#include "disk/null_disk.hpp"
#include "disk/raw_disk.hpp"

namespace dumpsim::disk {
namespace {

// Leaves room for sums of an offset and a length, and for off_t.
constexpr std::uint64_t largest_disk = std::uint64_t{1} << 62;

template <class Disk>
Result<std::unique_ptr<BlockDevice>> make(const DiskOptions& options) {
  auto made = Disk::make(options);
  if (!made) return std::move(made).error();
  return std::unique_ptr<BlockDevice>(std::move(*made));
}

constexpr std::array<Backend, 3> table{{
    {"memory", "in memory, gone after the run", make<MemoryDisk>},
    {"raw", "a sparse image file", make<RawDisk>},
    {"null", "swallows what is written, counts it, reads as zeros", make<NullDisk>},
}};

}  // namespace

std::span<const Backend> backends() {
  return table;
}

Result<std::unique_ptr<BlockDevice>> make_disk(std::string_view scheme, const DiskOptions& options) {
  std::array<std::string_view, table.size()> names;
  for (std::size_t i = 0; i < table.size(); ++i) {
    names[i] = table[i].scheme;
    if (table[i].scheme == scheme) return table[i].make(options);
  }
  return Error{
      fmt::format("unknown disk backend \"{}\"; expected memory, raw or null{}", scheme, did_you_mean(scheme, names))};
}

Result<void> check_geometry(std::uint64_t size, std::uint32_t sector_size) {
  if (sector_size != 512 && sector_size != 4096) {
    return Error{fmt::format("a disk cannot have sectors of {} bytes; expected 512 or 4096", sector_size)};
  }
  if (size == 0) return Error{"a disk cannot be empty; expected a size of at least one sector"};
  if (size % sector_size != 0) {
    return Error{fmt::format("disk size {} is no multiple of the sector size {}", size, sector_size)};
  }
  if (size > largest_disk) return Error{fmt::format("disk size {} is beyond the largest possible, 2^62", size)};
  return {};
}

}  // namespace dumpsim::disk
