// SPDX-License-Identifier: Apache-2.0
// The raw disk. Scans read through a buffer instead of a mapping: an image that shrinks meanwhile is then an error with
// a name, not a SIGBUS, and the copy costs less than finding a canary in it.
#include "disk/raw_disk.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <limits.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>
#include <vector>

#include "disk/sparse.hpp"

namespace dumpsim::disk {
namespace {

Result<File> scratch_file() {
  std::error_code failure;
  const auto folder = std::filesystem::temp_directory_path(failure);
  if (failure) return Error{fmt::format("no folder for a scratch disk: {}; set TMPDIR", failure.message())};
  std::string name = (folder / "dumpsim-disk-XXXXXX").string();
  const int fd = mkostemp(name.data(), O_CLOEXEC);
  if (fd < 0) return Error{fmt::format("cannot create a scratch disk in {}: {}", folder.string(), strerror(errno))};
  auto file = File::open(name, File::Mode::read_write);
  ::close(fd);
  ::unlink(name.c_str());
  return file;
}

Result<void> check_regular(const File& file) {
  struct stat status {};
  if (fstat(file.fd(), &status) != 0 || !S_ISREG(status.st_mode)) {
    return Error{fmt::format("{} is no regular file; a disk image was expected", file.path().string())};
  }
  return {};
}

Result<File> create_image(const DiskOptions& options) {
  if (auto checked = check_geometry(options.size, options.sector_size); !checked) return checked.error();
  if (options.path.empty()) return scratch_file();
  std::error_code ignored;
  const auto there = std::filesystem::status(options.path, ignored);
  if (options.access == Access::create && std::filesystem::exists(there)) {
    return Error{fmt::format("{} exists already; nothing was written", options.path.string())};
  }
  if (std::filesystem::exists(there) && !std::filesystem::is_regular_file(there)) {
    return Error{fmt::format("{} is no regular file; a disk image was expected", options.path.string())};
  }
  return File::create(options.path, options.access == Access::replace);
}

}  // namespace

Result<std::unique_ptr<RawDisk>> RawDisk::make(const DiskOptions& options) {
  if (options.access == Access::create || options.access == Access::replace) {
    auto file = create_image(options);
    if (!file) return file.error();
    if (auto sized = file->resize(options.size); !sized) {
      if (options.access == Access::create && !options.path.empty()) ::unlink(options.path.c_str());
      return sized.error();
    }
    return std::unique_ptr<RawDisk>(new RawDisk(std::move(*file), options.size, options.sector_size));
  }
  auto file = File::open(options.path, options.access == Access::read_only ? File::Mode::read : File::Mode::read_write);
  if (!file) return file.error();
  if (auto regular = check_regular(*file); !regular) return regular.error();
  auto size = file->size();
  if (!size) return size.error();
  if (auto checked = check_geometry(*size, options.sector_size); !checked) {
    return Error{fmt::format("{}: {}", options.path.string(), checked.error().message)};
  }
  return std::unique_ptr<RawDisk>(new RawDisk(std::move(*file), *size, options.sector_size));
}

IoStatus RawDisk::read(DiskOffset at, std::span<std::byte> into) {
  const IoStatus status = check_transfer(at, into.size(), size_, sector_size_);
  if (status != IoStatus::ok) return status;
  return read_fully(file_.fd(), at.bytes, into) ? IoStatus::ok : IoStatus::failed;
}

IoStatus RawDisk::write(DiskOffset at, std::span<const std::byte> bytes) {
  const IoStatus status = check_transfer(at, bytes.size(), size_, sector_size_);
  if (status != IoStatus::ok) return status;
  while (!bytes.empty()) {
    const ssize_t n = pwrite(file_.fd(), bytes.data(), bytes.size(), static_cast<off_t>(at.bytes));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return IoStatus::failed;
    bytes = bytes.subspan(static_cast<std::size_t>(n));
    at = at + static_cast<std::uint64_t>(n);
  }
  return IoStatus::ok;
}

IoStatus RawDisk::write_gathered(DiskOffset at, std::span<const std::span<const std::byte>> pieces) {
  std::uint64_t total = 0;
  if (!total_bytes(pieces, total)) return IoStatus::out_of_range;
  if (const IoStatus status = check_transfer(at, total, size_, sector_size_); status != IoStatus::ok) return status;

  // Pages that follow one another in memory join, so that a 64 KiB write of contiguous pages is one piece. 256 places
  // hold 1 MiB of scattered pages, more than any port transfers at once.
  std::array<iovec, 256> places;
  static_assert(places.size() <= IOV_MAX);
  std::size_t next = 0;    // the first piece that is not wholly written
  std::size_t inside = 0;  // bytes of it that are
  while (total > 0) {
    std::size_t count = 0;
    std::size_t skip = inside;
    for (std::size_t i = next; i < pieces.size(); ++i, skip = 0) {
      const auto piece = pieces[i].subspan(skip);
      if (piece.empty()) continue;
      auto* begin = const_cast<std::byte*>(piece.data());  // iovec serves reads as well, and has no const
      if (count > 0 && static_cast<std::byte*>(places[count - 1].iov_base) + places[count - 1].iov_len == begin) {
        places[count - 1].iov_len += piece.size();
      } else if (count < places.size()) {
        places[count++] = {begin, piece.size()};
      } else {
        break;
      }
    }
    ssize_t n = pwritev(file_.fd(), places.data(), static_cast<int>(count), static_cast<off_t>(at.bytes));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return IoStatus::failed;
    at = at + static_cast<std::uint64_t>(n);
    total -= static_cast<std::uint64_t>(n);
    for (auto left = static_cast<std::size_t>(n); left > 0;) {
      const std::size_t step = std::min(left, pieces[next].size() - inside);
      left -= step;
      inside += step;
      if (inside == pieces[next].size()) {
        ++next;
        inside = 0;
      }
    }
  }
  return IoStatus::ok;
}

Result<void> RawDisk::for_each_data_range(const DataVisitor& visit) {
  std::vector<std::byte> buffer(std::min<std::uint64_t>(size_, 1u << 20));
  return for_each_stored_range(file_.fd(), size_, [&](DiskOffset at, std::uint64_t length) -> Result<bool> {
    while (length > 0) {
      const std::span<std::byte> part(buffer.data(), std::min<std::uint64_t>(length, buffer.size()));
      if (!read_fully(file_.fd(), at.bytes, part)) {
        return Error{fmt::format("{}: cannot read {} bytes at offset {:#x}", path().string(), part.size(), at.bytes)};
      }
      if (!visit(at, part)) return false;
      at = at + part.size();
      length -= part.size();
    }
    return true;
  });
}

}  // namespace dumpsim::disk
