// SPDX-License-Identifier: Apache-2.0
// What a disk would hold had no filter been there, computed from the plan alone and not by running anything: the
// reference for chains that change nothing.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/result.hpp"
#include "disk/block_device.hpp"
#include "dumpfile/dump_layout.hpp"
#include "dumpfile/memory_source.hpp"
#include "engine/plan.hpp"
#include "scenario/scenario.hpp"

namespace dumpsim::engine {

/// A disk in memory as the scenario leaves it without filters. `dump` is what was written, nullptr when no dump was.
/// Fails when the host has no room.
Result<std::unique_ptr<disk::BlockDevice>> reference_disk(const scenario::Scenario& scenario, const Plan& plan,
                                                          const dumpfile::DumpLayout* dump,
                                                          const dumpfile::MemorySource& memory);

struct DiskDifference {
  DiskOffset at;
  std::byte first{};   ///< what the first disk has there
  std::byte second{};  ///< and the second
};
/// The first byte in which two disks of one size differ, holes being zeros.
Result<std::optional<DiskDifference>> first_difference(disk::BlockDevice& first, disk::BlockDevice& second);

}  // namespace dumpsim::engine
