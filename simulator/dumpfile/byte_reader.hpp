// SPDX-License-Identifier: Apache-2.0
// Where outside bytes come from, as a seam: a dump is read from a file, from a disk through the dump file's extents, or
// from memory, and its reader must not care. Whoever reads is told the name that errors should carry.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.hpp"

namespace dumpsim::dumpfile {

class ByteReader {
 public:
  virtual ~ByteReader() = default;
  /// Bytes that can be read; constant for the reader's life.
  virtual std::uint64_t size() const = 0;
  /// Exactly `into.size()` bytes from `offset`, or an error. REQUIRES: offset + into.size() <= size().
  virtual Result<void> read_at(std::uint64_t offset, std::span<std::byte> into) const = 0;
  /// Where those bytes lie in this process's memory, for whoever only looks; nullptr when they do not. REQUIRES: as
  /// above.
  virtual const std::byte* lend(std::uint64_t, std::size_t) const { return nullptr; }
  /// What a message calls these bytes: a path, or "disk, dump file".
  virtual const std::string& name() const = 0;
};

/// A file, opened for reading, with the size it has now.
Result<std::shared_ptr<const ByteReader>> file_bytes(const std::filesystem::path& path);
/// Bytes in memory, owned.
std::shared_ptr<const ByteReader> memory_bytes(std::string name, std::vector<std::byte> bytes);

}  // namespace dumpsim::dumpfile
