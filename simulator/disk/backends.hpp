// SPDX-License-Identifier: Apache-2.0
// From the word a scenario uses to a disk. One table names every backend; a new one is a file of its own, a row in
// backends.cpp and an entry in the shared suite's list.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string_view>

#include "base/result.hpp"
#include "disk/block_device.hpp"

namespace dumpsim::disk {

enum class Access : std::uint8_t {
  create,     ///< a new disk of zeros; refused when something is there already
  replace,    ///< a new disk of zeros; what was there is gone
  existing,   ///< read and write what is there; its size is the disk's
  read_only,  ///< the same, every write fails
};

struct DiskOptions {
  std::filesystem::path path;  ///< raw: the image; empty: a scratch file that goes when the device does
  Access access = Access::create;
  std::uint64_t size = 0;           ///< bytes, a multiple of sector_size; ignored for a disk that exists
  std::uint32_t sector_size = 512;  ///< 512 or 4096
  bool digest = false;              ///< null: keep a running digest of what is written, at the price of reading it
};

struct Backend {
  std::string_view scheme;   ///< what a scenario calls it
  std::string_view summary;  ///< one line for --help
  Result<std::unique_ptr<BlockDevice>> (*make)(const DiskOptions& options);
};

std::span<const Backend> backends();

/// Makes the disk before the fork. Fails for an unknown scheme (with the nearest known one), a sector size that is
/// neither 512 nor 4096, a size that is zero, no sector multiple or beyond 2^62, and for what the host refuses.
Result<std::unique_ptr<BlockDevice>> make_disk(std::string_view scheme, const DiskOptions& options);

/// The checks on size and sector size that every backend makes.
Result<void> check_geometry(std::uint64_t size, std::uint32_t sector_size);

}  // namespace dumpsim::disk
