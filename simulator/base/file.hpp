// SPDX-License-Identifier: Apache-2.0
// Files as this project wants them: opened with an error that names them, and written whole or not at all.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace dumpsim {

/// An owned file descriptor with positioned, complete reads and writes.
class File {
 public:
  enum class Mode { read, read_write };
  File() = default;
  ~File();
  File(File&& other) noexcept;
  File& operator=(File&& other) noexcept;

  /// Fails naming the path and the reason; a directory is refused.
  static Result<File> open(const std::filesystem::path& path, Mode mode);
  /// A new file at `path`; `replace` false fails when something is there already.
  static Result<File> create(const std::filesystem::path& path, bool replace);
  /// An anonymous file in memory, shown as `name` by debuggers.
  static Result<File> in_memory(const std::string& name);

  int fd() const { return fd_; }
  const std::filesystem::path& path() const { return path_; }
  Result<std::uint64_t> size() const;
  Result<void> resize(std::uint64_t bytes) const;
  /// Exactly `into.size()` bytes from `offset`, or an error that says how many there were.
  Result<void> read_at(std::uint64_t offset, std::span<std::byte> into) const;
  Result<void> write_at(std::uint64_t offset, std::span<const std::byte> bytes) const;

 private:
  friend class NewFile;
  int fd_ = -1;
  std::filesystem::path path_;
};

/// A new file that takes its name only when `commit` is called; destroyed before that, nothing is left behind. Until
/// then it has no name at all, so that not even a kill leaves something, where the file system can do that (all usual
/// ones); elsewhere a killed writer leaves `path.XXXXXX`. Either way the old file at `path` stands until the commit.
class NewFile {
 public:
  NewFile() = default;
  ~NewFile();
  NewFile(NewFile&& other) noexcept;
  NewFile& operator=(NewFile&& other) noexcept;
  /// Fails at once, so that no work is done in vain, when `path` exists and `replace` is false, and in any case when it
  /// is no regular file: a device or a folder is never replaced.
  static Result<NewFile> create(const std::filesystem::path& path, bool replace);
  const File& file() const { return file_; }
  /// Makes `text` its content, from the beginning on. REQUIRES: nothing longer was written before.
  Result<void> fill(std::string_view text) const { return file_.write_at(0, std::as_bytes(std::span(text))); }
  Result<void> commit();

 private:
  File file_;
  std::filesystem::path target_;
  std::filesystem::path temporary_;
  bool replace_ = false;
};

/// The whole file, at most `limit` bytes; a larger one is an error that names the limit.
Result<std::string> read_text(const std::filesystem::path& path, std::uint64_t limit);
/// Whole or not at all, through NewFile.
Result<void> write_text(const std::filesystem::path& path, std::string_view text, bool replace);

}  // namespace dumpsim
