// SPDX-License-Identifier: Apache-2.0
#include "base/file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

namespace dumpsim {
namespace {

/// What no other path would have spared the user.
bool is_the_hosts(int error) {
  switch (error) {
    case ENOSPC:
    case EDQUOT:
    case EIO:
    case EMFILE:
    case ENFILE:
    case ENOMEM:
      return true;
    default:
      return false;
  }
}

Error cannot(const char* verb, const std::filesystem::path& path, int error) {
  return Error{.message = fmt::format("cannot {} {}: {}", verb, path.string(), std::strerror(error)),
               .host = is_the_hosts(error)};
}

/// A path that leads to an open file, with or without a name.
std::string open_file(int fd) {
  return fmt::format("/proc/self/fd/{}", fd);
}

}  // namespace

File::~File() {
  if (fd_ >= 0) ::close(fd_);
}

File::File(File&& other) noexcept : fd_(std::exchange(other.fd_, -1)), path_(std::move(other.path_)) {}

File& File::operator=(File&& other) noexcept {
  if (this != &other) {
    if (fd_ >= 0) ::close(fd_);
    fd_ = std::exchange(other.fd_, -1);
    path_ = std::move(other.path_);
  }
  return *this;
}

Result<File> File::open(const std::filesystem::path& path, Mode mode) {
  File file;
  file.path_ = path;
  file.fd_ = ::open(path.c_str(), (mode == Mode::read ? O_RDONLY : O_RDWR) | O_CLOEXEC);
  if (file.fd_ < 0) return cannot("open", path, errno);
  struct stat status {};
  if (fstat(file.fd_, &status) != 0) return cannot("open", path, errno);
  if (S_ISDIR(status.st_mode)) return cannot("open", path, EISDIR);
  return file;
}

Result<File> File::create(const std::filesystem::path& path, bool replace) {
  File file;
  file.path_ = path;
  file.fd_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | (replace ? O_TRUNC : O_EXCL), 0644);
  if (file.fd_ < 0) return cannot("create", path, errno);
  return file;
}

Result<File> File::in_memory(const std::string& name) {
  File file;
  file.path_ = name;
  file.fd_ = memfd_create(name.c_str(), MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (file.fd_ < 0) return cannot("create in memory", name, errno);
  return file;
}

Result<std::uint64_t> File::size() const {
  struct stat status {};
  if (fstat(fd_, &status) != 0) return cannot("measure", path_, errno);
  return static_cast<std::uint64_t>(status.st_size);
}

Result<void> File::resize(std::uint64_t bytes) const {
  if (ftruncate(fd_, static_cast<off_t>(bytes)) != 0) return cannot("resize", path_, errno);
  return {};
}

Result<void> File::read_at(std::uint64_t offset, std::span<std::byte> into) const {
  std::size_t done = 0;
  while (done < into.size()) {
    const ssize_t n = pread(fd_, into.data() + done, into.size() - done, static_cast<off_t>(offset + done));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return cannot("read", path_, errno);
    if (n == 0) {
      return Error{fmt::format("{}: expected {} bytes at offset {:#x}, the file ends after {}", path_.string(),
                               into.size(), offset, done)};
    }
    done += static_cast<std::size_t>(n);
  }
  return {};
}

Result<void> File::write_at(std::uint64_t offset, std::span<const std::byte> bytes) const {
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t n = pwrite(fd_, bytes.data() + done, bytes.size() - done, static_cast<off_t>(offset + done));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return cannot("write", path_, errno);
    done += static_cast<std::size_t>(n);
  }
  return {};
}

NewFile::~NewFile() {
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

NewFile::NewFile(NewFile&& other) noexcept
    : file_(std::move(other.file_)),
      target_(std::move(other.target_)),
      temporary_(std::exchange(other.temporary_, {})),
      replace_(other.replace_) {}

NewFile& NewFile::operator=(NewFile&& other) noexcept {
  if (this != &other) {
    if (!temporary_.empty()) ::unlink(temporary_.c_str());
    file_ = std::move(other.file_);
    target_ = std::move(other.target_);
    temporary_ = std::exchange(other.temporary_, {});
    replace_ = other.replace_;
  }
  return *this;
}

Result<NewFile> NewFile::create(const std::filesystem::path& path, bool replace) {
  struct stat status {};
  if (!replace && ::lstat(path.c_str(), &status) == 0) {
    return Error{fmt::format("{} exists already; nothing was written", path.string())};
  }
  if (replace && ::stat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode)) {
    return Error{fmt::format("{} is no regular file, and is not replaced; nothing was written", path.string())};
  }
  NewFile made;
  made.target_ = path;
  made.replace_ = replace;
  const std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : ".";
  made.file_.fd_ = ::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0644);
  if (made.file_.fd_ >= 0 && ::access(open_file(made.file_.fd_).c_str(), F_OK) == 0) {
    made.file_.path_ = path;
    return made;
  }
  made.file_ = File();
  std::string name = path.string() + ".XXXXXX";
  const int fd = ::mkostemp(name.data(), O_CLOEXEC);
  if (fd < 0) return cannot("create", path, errno);
  ::close(fd);
  made.temporary_ = name;
  ::chmod(name.c_str(), 0644);
  auto file = File::open(name, File::Mode::read_write);
  if (!file) return file.error();
  made.file_ = std::move(*file);
  return made;
}

Result<void> NewFile::commit() {
  // link() refuses an existing target in one step, so that a file that appeared meanwhile is not lost either.
  if (temporary_.empty()) {
    const std::string nameless = open_file(file_.fd());
    const auto link_as = [&](const std::filesystem::path& name) {
      return ::linkat(AT_FDCWD, nameless.c_str(), AT_FDCWD, name.c_str(), AT_SYMLINK_FOLLOW) == 0;
    };
    if (!replace_) {
      if (!link_as(target_)) return cannot("create", target_, errno);
      return {};
    }
    // Only rename() replaces, and it wants a name: a free one for the moment between the two.
    std::filesystem::path name;
    for (unsigned attempt = 0;; ++attempt) {
      name = fmt::format("{}.{}-{}", target_.string(), ::getpid(), attempt);
      if (link_as(name)) break;
      if (errno != EEXIST || attempt > 1000) return cannot("create", target_, errno);
    }
    temporary_ = name;
  }
  const int status =
      replace_ ? ::rename(temporary_.c_str(), target_.c_str()) : ::link(temporary_.c_str(), target_.c_str());
  if (status != 0) return cannot("create", target_, errno);
  if (!replace_) ::unlink(temporary_.c_str());
  temporary_.clear();
  return {};
}

Result<std::string> read_text(const std::filesystem::path& path, std::uint64_t limit) {
  auto file = File::open(path, File::Mode::read);
  if (!file) return file.error();
  std::string text;
  std::string piece(64 * 1024, '\0');
  for (;;) {
    const ssize_t n = ::read(file->fd(), piece.data(), piece.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return cannot("read", path, errno);
    if (n == 0) return text;
    text.append(piece, 0, static_cast<std::size_t>(n));
    if (text.size() > limit)
      return Error{
          fmt::format("{} is larger than {} bytes, the most that is read of such a file", path.string(), limit)};
  }
}

Result<void> write_text(const std::filesystem::path& path, std::string_view text, bool replace) {
  auto made = NewFile::create(path, replace);
  if (!made) return made.error();
  if (auto written = made->fill(text); !written) return written;
  return made->commit();
}

}  // namespace dumpsim
