// SPDX-License-Identifier: Apache-2.0
// What the engine relies on in every scenario that parse() lets through, stated without the parser's own code. The
// mutation test and the fuzz target share it.
#pragma once

#include <cstdint>
#include <string_view>

#include "scenario/scenario.hpp"

namespace dumpsim::scenario {

/// a + b, or UINT64_MAX when it does not fit: then it lies behind everything.
inline std::uint64_t end_of(std::uint64_t begin, std::uint64_t size) {
  return size > UINT64_MAX - begin ? UINT64_MAX : begin + size;
}

inline bool holds(const FilePlace& file, std::uint64_t partition, std::uint32_t sector) {
  if (file.offset && (end_of(file.offset->bytes, file.size) > partition || file.offset->bytes % sector != 0))
    return false;
  std::uint64_t total = 0;
  for (const auto& [offset, bytes] : file.extents) {
    if (bytes == 0 || end_of(offset.bytes, bytes) > partition || offset.bytes % sector != 0) return false;
    total = end_of(total, bytes);
  }
  return file.size <= partition && file.size % sector == 0 && (file.extents.empty() || total == file.size);
}

/// The first thing that does not hold, or nothing.
inline std::string_view broken_invariant(const Scenario& scenario) {
  const std::vector<dumpfile::PageRun>& runs = scenario.system.memory.runs;
  // Only an image may still have to say what memory there is; then nothing that follows from it is known either.
  if (runs.empty()) return scenario.system.memory.fill == Fill::image ? "" : "there is no memory";
  for (std::size_t i = 0; i < runs.size(); ++i) {
    if (runs[i].pages == 0) return "a run is empty";
    if (i > 0 && runs[i].base <= runs[i - 1].base + runs[i - 1].pages) return "runs are not apart";
  }
  if (runs.back().base + runs.back().pages > highest_memory / page_size) return "memory ends too high";
  const Disk& disk = scenario.disk;
  if (disk.sector_size != 512 && disk.sector_size != 4096) return "the sector size is wrong";
  if (disk.size > static_cast<std::uint64_t>(INT64_MAX)) return "the disk is too large";
  if (disk.dump_partition >= disk.partitions.size()) return "the dump partition does not exist";
  for (const Partition& partition : disk.partitions) {
    if (partition.size == 0) return "a partition is empty";
    if (end_of(partition.start.bytes, partition.size) > disk.size) return "a partition ends behind the disk";
  }
  const std::uint64_t partition = disk.partitions[disk.dump_partition].size;
  if (scenario.dump.file.size == 0) return "there is no dump file";
  for (const FilePlace* file : {&scenario.dump.file, &scenario.hibernation.file}) {
    if (!holds(*file, partition, disk.sector_size)) return "a file ends behind its partition";
    if (file->fragments == 0) return "a file has no fragments";
  }
  if (scenario.timeline.empty() == scenario.sequence.empty()) return "neither or both of timeline and sequence";
  for (const Filter& filter : scenario.filters) {
    if (filter.name.empty() || filter.image.empty()) return "a filter has no name";
    if (filter.name.find('/') != std::string::npos) return "a filter's name has a slash";
  }
  if (scenario.limits.cpu_seconds == 0) return "no time at all";
  return {};
}

}  // namespace dumpsim::scenario
