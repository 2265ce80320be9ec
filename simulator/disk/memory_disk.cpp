// SPDX-License-Identifier: Apache-2.0
// The memory disk. Reads and writes go through the file: reading a hole of a shared mapping would make the kernel
// allocate it, and a first write through one costs a fault a page.
#include "disk/memory_disk.hpp"

#include <fmt/format.h>

#include <utility>

#include "base/text.hpp"
#include "disk/sparse.hpp"

namespace dumpsim::disk {

Result<std::unique_ptr<MemoryDisk>> MemoryDisk::make(const DiskOptions& options, const PageShelf& shelf) {
  if (auto checked = check_geometry(options.size, options.sector_size); !checked) return checked.error();
  auto pages = shelf.take("dumpsim disk", options.size);
  if (!pages) {
    return Error{fmt::format("no room for a memory disk of {}: {}; a raw disk has no such limit",
                             format_size(options.size), pages.error().message)};
  }
  return std::unique_ptr<MemoryDisk>(new MemoryDisk(*std::move(pages), options.sector_size));
}

IoStatus MemoryDisk::read(DiskOffset at, std::span<std::byte> into) {
  const IoStatus status = check_transfer(at, into.size(), size(), sector_size_);
  if (status != IoStatus::ok || into.empty()) return status;
  return read_fully(fd(), at.bytes, into) ? IoStatus::ok : IoStatus::failed;
}

IoStatus MemoryDisk::write(DiskOffset at, std::span<const std::byte> bytes) {
  const IoStatus status = check_transfer(at, bytes.size(), size(), sector_size_);
  if (status != IoStatus::ok || bytes.empty()) return status;
  return pages_.file().write_at(at.bytes, bytes) ? IoStatus::ok : IoStatus::failed;
}

IoStatus MemoryDisk::write_gathered(DiskOffset at, std::span<const std::span<const std::byte>> pieces) {
  std::uint64_t total = 0;
  if (!total_bytes(pieces, total)) return IoStatus::out_of_range;
  if (const IoStatus status = check_transfer(at, total, size(), sector_size_); status != IoStatus::ok) return status;
  std::uint64_t to = at.bytes;
  for (const auto piece : pieces) {
    if (!pages_.file().write_at(to, piece)) return IoStatus::failed;
    to += piece.size();
  }
  return IoStatus::ok;
}

Result<void> MemoryDisk::for_each_data_range(const DataVisitor& visit) {
  return for_each_stored_range(fd(), size(), [&](DiskOffset at, std::uint64_t length) -> Result<bool> {
    return visit(at, bytes().subspan(at.bytes, length));
  });
}

}  // namespace dumpsim::disk
