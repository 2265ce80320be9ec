// SPDX-License-Identifier: Apache-2.0
// What a scenario comes to before anything runs: which pages a dump holds, where the files lie, what the dump will look
// like. Pure computation over the scenario; the disk and the child are made from it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/result.hpp"
#include "disk/extents.hpp"
#include "disk/layout.hpp"
#include "disk/partition_table.hpp"
#include "dumpfile/dump_layout.hpp"
#include "dumpfile/memory_source.hpp"
#include "engine/run.hpp"
#include "kernel/scripted_device.hpp"
#include "scenario/scenario.hpp"
#include "stack/environment.hpp"
#include "stack/main_drivers.hpp"

namespace dumpsim::engine {

struct Plan {
  std::shared_ptr<const dumpfile::MemorySource> source;
  std::vector<dumpfile::PageRun> ram;
  disk::PartitionTable table;
  DiskOffset partition_start;
  std::uint64_t partition_size = 0;
  disk::ExtentMap dump_file;
  disk::ExtentMap hibernation_file;  ///< empty when no step needs one
  disk::ExtentMap log_file;          ///< the dump log, when the policy writes one
  disk::Layout on_disk;              ///< all of it, as `dumpsim recover` finds it beside the disk
  std::vector<dumpfile::PageRun> hibernated;
  std::optional<dumpfile::DumpLayout> layout;             ///< absent when dumps are off
  std::optional<dumpfile::PageSet> stored;                ///< the pages the dump is to hold
  std::vector<scenario::RegistryEdit> registry;           ///< over the defaults; not plan()'s: see registry_edits()
  std::vector<scenario::FileSpec> files, expected_files;  ///< with their contents; see with_host_files()
};

/// The scenario's filters and ordinary drivers with their images found, its scripted devices with their files read.
struct Images {
  std::vector<stack::FilterSpec> filters;
  std::vector<stack::DriverSpec> drivers;
  std::vector<kernel::ScriptedDevice> devices;
};
Result<Images> find_images(const scenario::Scenario& scenario, const RunOptions& options);

/// Wall time without progress after which a child counts as asleep: a multiple of the processor time a callback may
/// use.
std::uint32_t stuck_seconds(const scenario::Scenario& scenario);

/// Fails for what a scenario's text cannot show: an image of memory that cannot be opened, files that do not fit beside
/// each other, a form that cannot hold the dump.
Result<Plan> plan(const scenario::Scenario& scenario);

}  // namespace dumpsim::engine
