// SPDX-License-Identifier: Apache-2.0
// Reading at any byte from a device that knows sectors only: whole sectors go straight to the caller, the ends through
// one sector's buffer.
#include "disk/file_view.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace dumpsim::disk {

Result<void> FileView::read_at(std::uint64_t file_offset, std::span<std::byte> into) const {
  if (file_offset > size() || into.size() > size() - file_offset) {
    return Error{fmt::format("cannot read {} bytes at offset {:#x}: the file on the disk has {}", into.size(),
                             file_offset, size())};
  }
  Result<void> outcome;
  map_.for_each_piece(file_offset, into.size(), [&](Extent piece, std::uint64_t at) {
    outcome = read_piece(piece, at, into.subspan(at - file_offset, piece.bytes));
    return outcome.has_value();
  });
  return outcome;
}

Result<void> FileView::read_piece(Extent piece, std::uint64_t file_offset, std::span<std::byte> into) const {
  __extension__ using Wide = __int128;
  const Wide begin = static_cast<Wide>(partition_start_.bytes) + piece.at.bytes + shift_;
  const auto cannot = [&](std::string_view why) {
    return Error{
        fmt::format("cannot read {} bytes at offset {:#x} of the file (partition offset {:#x}, shifted by {}): {}",
                    into.size(), file_offset, piece.at.bytes, shift_, why)};
  };
  if (begin < 0 || begin + into.size() > device_.size()) return cannot("not on the disk");

  const std::uint32_t sector = device_.sector_size();
  std::uint64_t at = static_cast<std::uint64_t>(begin);
  std::array<std::byte, 4096> buffer;
  while (!into.empty()) {
    const std::uint64_t inside = at % sector;
    std::size_t done = 0;
    IoStatus status = IoStatus::ok;
    if (inside == 0 && into.size() >= sector) {
      done = into.size() - into.size() % sector;
      status = device_.read(DiskOffset{at}, into.first(done));
    } else {
      done = std::min<std::size_t>(into.size(), sector - inside);
      status = device_.read(DiskOffset{at - inside}, {buffer.data(), sector});
      if (status == IoStatus::ok) std::memcpy(into.data(), buffer.data() + inside, done);
    }
    if (status != IoStatus::ok) return cannot(name_of(status));
    at += done;
    into = into.subspan(done);
  }
  return {};
}

}  // namespace dumpsim::disk
