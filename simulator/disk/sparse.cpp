// SPDX-License-Identifier: Apache-2.0
// Holes are found with SEEK_DATA and SEEK_HOLE: the cost follows what is stored, not how large the disk says it is.
#include "disk/sparse.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace dumpsim::disk {

bool read_fully(int fd, std::uint64_t offset, std::span<std::byte> into) {
  while (!into.empty()) {
    const ssize_t n = pread(fd, into.data(), into.size(), static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    into = into.subspan(static_cast<std::size_t>(n));
    offset += static_cast<std::uint64_t>(n);
  }
  return true;
}

Result<void> for_each_stored_range(int fd, std::uint64_t size,
                                   const std::function<Result<bool>(DiskOffset at, std::uint64_t length)>& visit) {
  constexpr std::uint64_t grain = 4096;  // both sector sizes divide it
  std::uint64_t next = 0;
  while (next < size) {
    const off_t data = lseek(fd, static_cast<off_t>(next), SEEK_DATA);
    if (data < 0 && errno == ENXIO) return {};
    if (data < 0) return Error{fmt::format("cannot look for stored bytes of the disk: {}", std::strerror(errno))};
    const off_t hole = lseek(fd, data, SEEK_HOLE);
    if (hole < 0) return Error{fmt::format("cannot look for holes of the disk: {}", std::strerror(errno))};
    const std::uint64_t begin = std::max(next, static_cast<std::uint64_t>(data) / grain * grain);
    const std::uint64_t end = std::min(size, (static_cast<std::uint64_t>(hole) + grain - 1) / grain * grain);
    if (begin >= end) return {};
    const Result<bool> more = visit(DiskOffset{begin}, end - begin);
    if (!more) return more.error();
    if (!*more) return {};
    next = end;
  }
  return {};
}

}  // namespace dumpsim::disk
