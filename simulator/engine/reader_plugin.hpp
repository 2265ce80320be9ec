// SPDX-License-Identifier: Apache-2.0
// The dump as a reader of include/dumpsim/reader.h gives it back. The library is loaded in a child only; whatever it
// does there comes back as a sentence.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

#include "disk/block_device.hpp"
#include "disk/extents.hpp"
#include "engine/recover.hpp"
#include "engine/run.hpp"

namespace dumpsim::engine {

/// Where a reader is: with a slash relative to `folder`, without one in it or on the filter path. Fails naming where it
/// looked.
Result<std::filesystem::path> find_reader(const std::string& reader, const std::filesystem::path& folder,
                                          const RunOptions& options);

/// `file` lies on the partition. `give_up_shared` is as NextBoot's. An Error is the host's failure; a
/// reader's is in ReadBack::why_not, with its file's name in front.
Result<ReadBack> bytes_through_reader(const std::filesystem::path& library, disk::BlockDevice& disk,
                                      DiskOffset partition_start, std::uint64_t partition_size,
                                      const disk::ExtentMap& file, std::uint32_t stuck_seconds,
                                      const std::function<void()>& give_up_shared);

}  // namespace dumpsim::engine
