// SPDX-License-Identifier: Apache-2.0
// What a scenario leaves out, computed from what it says: ten lines are enough because sizes follow from memory. All
// sums saturate, since sizes come from outside; check_storage.cpp then says what does not fit.
#include <algorithm>

#include "disk/extents.hpp"
#include "scenario/scenario.hpp"
#include "scenario/sections.hpp"

namespace dumpsim::scenario {
namespace {

constexpr std::uint64_t mib = std::uint64_t{1} << 20;
constexpr std::uint64_t standard_memory = 16 * mib;
// Secondary data of bugcheck callbacks and rounding; Windows reserves up to 256 MiB [doc], no simulated callback does.
constexpr std::uint64_t spare = mib;
// The drivers' own pages, and the bitmap up to them: they lie behind the arena's 16 GiB.
constexpr std::uint64_t spare_for_drivers = 16 * mib;

std::uint64_t rounded_up(std::uint64_t bytes, std::uint64_t unit) {
  return saturating_add(bytes, unit - 1) / unit * unit;
}

std::uint64_t pages_of(const Memory& memory) {
  std::uint64_t pages = 0;
  for (const dumpfile::PageRun& run : memory.runs) pages += run.pages;
  return pages;
}

/// Header, bitmap, every page, and spare room. A dump of fewer pages, or without a bitmap, fits as well.
std::uint64_t dump_file_size(const Memory& memory) {
  const dumpfile::PageRun& last = memory.runs.back();
  const std::uint64_t bitmap = rounded_up((last.base + last.pages) / 8 + page_size, page_size);
  return rounded_up(2 * page_size + bitmap + pages_of(memory) * page_size + spare, 64 * 1024);
}

/// The part of a partition that a file needs so that it can be placed: its own bytes and a gap for each fragment.
std::uint64_t room_for(const FilePlace& file) {
  return saturating_add(rounded_up(file.size, disk::cluster_size),
                        (file.fragments + std::uint64_t{1}) * disk::cluster_size);
}

/// Where the part of the partition that is given by hand ends.
std::uint64_t fixed_end(const FilePlace& file) {
  std::uint64_t end = file.offset ? saturating_add(file.offset->bytes, file.size) : 0;
  for (const auto& [offset, bytes] : file.extents) end = std::max(end, saturating_add(offset.bytes, bytes));
  return end;
}

/// So that `second` finds a place wherever `first` came to lie: its fragments take the largest of the ranges that
/// remain, which hold at least an even share of them.
std::uint64_t room_for_both(const FilePlace& first, const FilePlace& second) {
  const std::uint64_t ranges = first.fragments + std::uint64_t{1};
  const std::uint64_t factor = std::max<std::uint64_t>(1, (ranges + second.fragments - 1) / second.fragments);
  const std::uint64_t bytes = room_for(second);
  return saturating_add(room_for(first), bytes > UINT64_MAX / factor ? UINT64_MAX : bytes * factor);
}

bool placed_by_seed(const FilePlace& file) {
  return file.size > 0 && !file.offset && file.extents.empty();
}

std::uint64_t partition_size_for(const Scenario& scenario) {
  const FilePlace& dump = scenario.dump.file;
  const FilePlace& hibernation = scenario.hibernation.file;
  const std::uint64_t fixed = std::max({disk::boot_area, fixed_end(dump), fixed_end(hibernation)});
  std::uint64_t placed = 0;
  if (placed_by_seed(dump) && placed_by_seed(hibernation)) {
    placed = std::max(room_for_both(dump, hibernation), room_for_both(hibernation, dump));
  } else if (placed_by_seed(dump) || placed_by_seed(hibernation)) {
    placed = room_for(placed_by_seed(dump) ? dump : hibernation);
  }
  return rounded_up(saturating_add(fixed, placed), mib);
}

void place_on_disk(Scenario& scenario) {
  Disk& disk = scenario.disk;
  // The copy of a GPT at the end of the disk, in the unit that disks are partitioned in.
  const std::uint64_t reserve = disk.style == PartitionStyle::gpt ? mib : 0;
  if (disk.partitions.empty()) {
    disk.partitions.push_back({{disk.style == PartitionStyle::none ? 0 : mib}, 0});
  }
  for (Partition& partition : disk.partitions) {
    if (partition.size != 0) continue;
    const std::uint64_t used = saturating_add(partition.start.bytes, reserve);
    if (disk.size == 0) {
      partition.size = partition_size_for(scenario);
    } else if (disk.size > used) {
      partition.size = (disk.size - used) / disk.sector_size * disk.sector_size;
    }
  }
  if (disk.size == 0) {
    for (const Partition& partition : disk.partitions) {
      disk.size = std::max(disk.size, saturating_add(partition.start.bytes, partition.size));
    }
    disk.size = rounded_up(saturating_add(disk.size, reserve), disk.sector_size);
  }
}

}  // namespace

std::uint64_t saturating_add(std::uint64_t a, std::uint64_t b) {
  std::uint64_t sum = 0;
  return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

bool hibernates(const Scenario& scenario) {
  return std::find(scenario.timeline.begin(), scenario.timeline.end(), TimelineStep::hibernate) !=
             scenario.timeline.end() ||
         std::any_of(scenario.sequence.begin(), scenario.sequence.end(),
                     [](const SequenceStep& step) { return step.hibernation; });
}

void fill_defaults(Scenario& scenario) {
  if (scenario.timeline.empty() && scenario.sequence.empty()) {
    scenario.timeline = {TimelineStep::boot, TimelineStep::crash, TimelineStep::next_boot};
  }
  Memory& memory = scenario.system.memory;
  if (memory.runs.empty() && memory.fill == Fill::image) return;
  if (memory.runs.empty()) memory.runs = {{0, standard_memory >> page_shift}};
  if (scenario.dump.file.size == 0) {
    scenario.dump.file.size = dump_file_size(memory) + (scenario.dump.driver_memory ? spare_for_drivers : 0);
  }
  Hibernation& hibernation = scenario.hibernation;
  if (hibernation.file.size == 0 && hibernates(scenario)) {
    const std::uint64_t pages = hibernation.pages == 0 ? pages_of(memory) : hibernation.pages;
    hibernation.file.size = rounded_up(pages * page_size + spare, 64 * 1024);
  }
  place_on_disk(scenario);
}

}  // namespace dumpsim::scenario
