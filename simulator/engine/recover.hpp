// SPDX-License-Identifier: Apache-2.0
// What the next boot finds: the dump read off the disk, raw along the file's extents as smss does it, or through a
// fresh instance of the filters (in a child of its own) where the raw bytes are a filter's.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "disk/block_device.hpp"
#include "disk/extents.hpp"
#include "dumpfile/byte_reader.hpp"
#include "dumpfile/dump_reader.hpp"
#include "engine/plan.hpp"
#include "machine/machine.hpp"
#include "stack/environment.hpp"

namespace dumpsim::engine {

/// The bytes of a file on the disk, for a DumpReader. Borrowed things outlive it; `shift` as in disk::FileView.
std::shared_ptr<const dumpfile::ByteReader> raw_bytes(std::string name, disk::BlockDevice& disk,
                                                      const disk::ExtentMap& file, DiskOffset partition_start,
                                                      std::int64_t shift);

/// Whether the first bytes are a kernel dump's at all: what the next boot looks at before anything else.
bool looks_like_dump(const dumpfile::ByteReader& bytes);

/// The dump as a fresh instance of the filters reads it, in a child of its own; no bytes and a reason when it cannot
/// be.
struct ThroughFilters {
  std::shared_ptr<const dumpfile::ByteReader> bytes;
  std::string why_not;
};
Result<ThroughFilters> bytes_through_filters(const scenario::Scenario& scenario, const Plan& plan,
                                             const disk::ExtentMap& file, const Images& images,
                                             machine::Machine& machine, disk::BlockDevice& disk,
                                             std::uint32_t stuck_seconds);

/// Writes the first `size` bytes to a new file, whole or not at all.
Result<void> copy_out(const dumpfile::ByteReader& bytes, std::uint64_t size, const std::filesystem::path& to,
                      bool replace);

}  // namespace dumpsim::engine
