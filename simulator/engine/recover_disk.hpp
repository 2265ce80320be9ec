// SPDX-License-Identifier: Apache-2.0
// `dumpsim recover`: what the next boot does with a disk image, whoever wrote it. A disk of the simulator's carries its
// layout beside it; for others the caller says where the dump file lies.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "disk/extents.hpp"
#include "engine/run.hpp"

namespace dumpsim::engine {

struct RecoverRequest {
  std::filesystem::path disk;
  std::filesystem::path output;
  bool replace = false;
  // All empty: raw.
  std::filesystem::path via_filters_of;  ///< the scenario whose filters read the disk, each a fresh instance
  std::filesystem::path via_volume_of;   ///< the scenario whose drivers are attached to the volume that is read
  std::string via_reader;                ///< a reader of include/dumpsim/reader.h, as find_reader() takes it
  // What a layout file would say; given values win over it.
  std::optional<std::uint32_t> sector_size;
  std::optional<std::uint64_t> partition_offset;
  std::optional<std::uint64_t> partition_size;
  std::vector<disk::Extent> extents;
  std::optional<std::int64_t> shift;
};

/// Writes the recovered dump to `output` and describes it in words. Nothing is written when there is no dump on the
/// disk.
Result<std::string> recover_disk(const RecoverRequest& request, const RunOptions& options);

}  // namespace dumpsim::engine
