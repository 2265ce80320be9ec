// SPDX-License-Identifier: Apache-2.0
// Does it fit? Partitions on the disk, files on the partition, pages in memory: checked on the complete scenario, so
// that a default that does not fit is found as well as a value that was written.
#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>
#include <utility>

#include "base/text.hpp"
#include "disk/extents.hpp"
#include "dumpfile/dump_layout.hpp"
#include "scenario/sections.hpp"
#include "scenario/words.hpp"

namespace dumpsim::scenario {
namespace {

/// A range of bytes and the place of the key that gives it.
struct Range {
  std::uint64_t begin = 0;
  std::uint64_t size = 0;
  std::string path;
};

class Layout {
 public:
  Layout(const Node& root, const Scenario& scenario, Mistakes& mistakes)
      : root_(root), disk_(scenario.disk), scenario_(scenario), mistakes_(mistakes) {}

  void check() {
    const bool disk_good = check_disk(), partitions_good = check_partitions();
    if (!disk_good || !partitions_good) return;
    if (disk_.dump_partition >= disk_.partitions.size()) {
      mistake("disk.dump_partition", fmt::format("disk.dump_partition: there is no partition {}; the disk has {}",
                                                 disk_.dump_partition + 1, disk_.partitions.size()));
      return;
    }
    partition_size_ = disk_.partitions[disk_.dump_partition].size;
    check_file("dump.file", scenario_.dump.file);
    check_file("hibernation.file", scenario_.hibernation.file);
    check_overlaps();
    check_room();
    check_protected();
  }

 private:
  void mistake(std::string_view path, std::string message) {
    good_ = false;
    mistakes_.add(place_of(root_, path), path, std::move(message));
  }

  /// The same for a value that may be a default: at the first of the keys that is written.
  void mistake_at_first(std::initializer_list<std::string_view> paths, std::string message) {
    for (const std::string_view path : paths) {
      if (!has_value(root_, path)) continue;
      mistake(path, std::move(message));
      return;
    }
    mistake(*paths.begin(), std::move(message));
  }

  bool in_sectors(std::string_view path, std::uint64_t bytes) {
    if (bytes % disk_.sector_size == 0) return true;
    mistake(path, fmt::format("{}: {} is no multiple of the sector size, {} bytes", path, format_size(bytes),
                              disk_.sector_size));
    return false;
  }

  bool check_disk() {
    if (disk_.size > static_cast<std::uint64_t>(INT64_MAX)) {
      mistake_at_first({"disk.size", "disk.partitions", "disk.partition_size", "dump.file.size", "dump.file.extents"},
                       "the disk is larger than 8 EiB, counting what its partitions and files need");
      return false;
    }
    return in_sectors("disk.size", disk_.size);
  }

  /// Sectors of the table in front of the partitions and behind them [doc: UEFI; 128 entries of 128 bytes].
  std::pair<std::uint64_t, std::uint64_t> table_bytes() const {
    const std::uint64_t sector = disk_.sector_size;
    if (disk_.style == PartitionStyle::mbr) return {sector, 0};
    if (disk_.style == PartitionStyle::gpt) return {2 * sector + 16384, sector + 16384};
    return {0, 0};
  }

  bool check_partitions() {
    const std::size_t most = disk_.style == PartitionStyle::mbr ? 4 : 128;
    if (disk_.partitions.size() > most) {
      mistake("disk.partitions",
              fmt::format("disk.partitions: expected at most {} of style \"{}\", got {}", most,
                          words::style[static_cast<std::size_t>(disk_.style)], disk_.partitions.size()));
      return false;
    }
    const bool listed = root_.find("disk") != nullptr && root_.find("disk")->value.find("partitions") != nullptr;
    std::vector<Range> ranges;
    bool good = true;
    for (std::size_t i = 0; i < disk_.partitions.size(); ++i) {
      const std::string base = listed ? fmt::format("disk.partitions[{}].", i) : "disk.partition_";
      const Partition& partition = disk_.partitions[i];
      good &= check_partition(base, partition);
      ranges.push_back({partition.start.bytes, partition.size, base + "offset"});
    }
    return good && apart(ranges, "partition");
  }

  bool check_partition(const std::string& base, const Partition& partition) {
    const auto [front, back] = table_bytes();
    const std::uint64_t start = partition.start.bytes, end = saturating_add(start, partition.size);
    bool good = in_sectors(base + "offset", start);
    good &= in_sectors(base + "size", partition.size);
    if (partition.size == 0) {
      mistake("disk.size", fmt::format("disk.size: a disk of {} leaves no room for a partition at {}",
                                       format_size(disk_.size), format_size(start)));
      return false;
    }
    if (start < front) {
      mistake(base + "offset",
              fmt::format("{}offset: the partition table takes the first {} bytes of the disk", base, front));
      good = false;
    }
    if (saturating_add(end, back) > disk_.size) {
      mistake(base + "size",
              fmt::format("{}size: the partition ends at {}, the disk{} at {}", base, format_size(end),
                          back > 0 ? fmt::format(", without the {} bytes of its second partition table,", back) : "",
                          format_size(disk_.size - std::min(back, disk_.size))));
      good = false;
    }
    if (disk_.style == PartitionStyle::mbr && std::max(start, partition.size) / disk_.sector_size > UINT32_MAX) {
      mistake(base + "size", fmt::format("{}size: an MBR counts sectors in 32 bits; use style = \"gpt\"", base));
      good = false;
    }
    return good;
  }

  /// Whether no two ranges share a byte; the later one in the text is the mistake.
  bool apart(std::vector<Range> ranges, std::string_view what) {
    std::sort(ranges.begin(), ranges.end(), [](const Range& a, const Range& b) { return a.begin < b.begin; });
    bool good = true;
    for (std::size_t i = 1; i < ranges.size(); ++i) {
      const Range *one = &ranges[i - 1], *other = &ranges[i];
      if (saturating_add(one->begin, one->size) <= other->begin) continue;
      if (place_of(root_, other->path) < place_of(root_, one->path)) std::swap(one, other);
      mistake(other->path,
              fmt::format("{}: the {} overlaps with the one at {}", other->path, what, format_size(one->begin)));
      good = false;
    }
    return good;
  }

  void check_file(const std::string& path, const FilePlace& file) {
    if (file.size == 0) return;
    if (file.extents.empty()) {
      check_whole_file(path, file);
    } else {
      check_extents(path, file);
    }
  }

  void check_whole_file(const std::string& path, const FilePlace& file) {
    if (!in_sectors(path + ".size", file.size)) return;
    if (file.size > partition_size_) {
      mistake_at_first({path + ".size", "disk.partition_size", "disk.size"},
                       fmt::format("{}.size: the file has {}, its partition {}", path, format_size(file.size),
                                   format_size(partition_size_)));
      return;
    }
    if (file.fragments > (file.size + disk::cluster_size - 1) / disk::cluster_size) {
      mistake(path + ".fragments", fmt::format("{}.fragments: a file of {} has fewer than {} clusters of 4 KiB", path,
                                               format_size(file.size), file.fragments));
    }
    if (!file.offset) return;
    if (in_sectors(path + ".offset", file.offset->bytes) &&
        saturating_add(file.offset->bytes, file.size) > partition_size_) {
      mistake(path + ".offset",
              fmt::format("{}.offset: the file ends at {}, its partition at {}", path,
                          format_size(saturating_add(file.offset->bytes, file.size)), format_size(partition_size_)));
    }
    fixed_.push_back({file.offset->bytes, file.size, path + ".offset"});
  }

  void check_extents(const std::string& path, const FilePlace& file) {
    for (std::size_t i = 0; i < file.extents.size(); ++i) {
      const auto& [offset, bytes] = file.extents[i];
      const std::string item = fmt::format("{}.extents[{}]", path, i);
      const bool offset_good = in_sectors(item + ".offset", offset.bytes),
                 size_good = in_sectors(item + ".size", bytes);
      if (!offset_good || !size_good) continue;
      if (saturating_add(offset.bytes, bytes) > partition_size_) {
        mistake(item + ".size",
                fmt::format("{}: the extent ends at {}, the partition at {}", item,
                            format_size(saturating_add(offset.bytes, bytes)), format_size(partition_size_)));
      }
      fixed_.push_back({offset.bytes, bytes, item + ".offset"});
    }
  }

  void check_overlaps() {
    if (good_) apart(fixed_, "extent");
  }

  /// Files placed by seed find their place when the run is laid out; that their bytes fit is known before.
  void check_room() {
    if (!good_) return;
    std::uint64_t used = disk::boot_area;
    const char* last = nullptr;
    for (const auto& [path, file] : {std::pair{"dump.file.size", &scenario_.dump.file},
                                     std::pair{"hibernation.file.size", &scenario_.hibernation.file}}) {
      if (file->size == 0) continue;
      used = saturating_add(used, file->size);
      if (!file->offset && file->extents.empty()) last = path;
    }
    if (last != nullptr && used > partition_size_) {
      mistake_at_first({last, "disk.partition_size", "disk.size"},
                       fmt::format("{}: the files and the boot sectors have {}, their partition {}", last,
                                   format_size(used), format_size(partition_size_)));
    }
  }

  /// What filters say they protect lies on the partition, in whole sectors.
  void check_protected() {
    for (std::size_t f = 0; f < scenario_.filters.size(); ++f) {
      const auto& parts = scenario_.filters[f].protects;
      for (std::size_t i = 0; i < parts.size(); ++i) {
        const auto& [offset, bytes] = parts[i];
        const std::string item = fmt::format("filter[{}].protects[{}]", f, i);
        const bool offset_good = in_sectors(item + ".offset", offset.bytes),
                   size_good = in_sectors(item + ".size", bytes);
        if (!offset_good || !size_good || saturating_add(offset.bytes, bytes) <= partition_size_) continue;
        mistake(item + ".size",
                fmt::format("{}: it ends at {}, the partition at {}", item,
                            format_size(saturating_add(offset.bytes, bytes)), format_size(partition_size_)));
      }
    }
  }

  const Node& root_;
  const Disk& disk_;
  const Scenario& scenario_;
  Mistakes& mistakes_;
  std::uint64_t partition_size_ = 0;
  std::vector<Range> fixed_;
  bool good_ = true;
};

void check_kind(const Node& root, const Scenario& scenario, Mistakes& mistakes) {
  const policy::Profile profile = scenario.system.profile;
  const auto refuse = [&](std::string_view why) {
    mistakes.add(place_of(root, "dump.kind"), "dump.kind", fmt::format("dump.kind: {}", why));
  };
  switch (scenario.dump.kind) {
    case DumpKind::kernel:
      if (profile == policy::Profile::windows_7) {
        refuse(
            "windows-7 writes kernel dumps in the older summary form (type 2), which is not simulated; expected "
            "\"complete\", or a later profile");
      }
      break;
    case DumpKind::automatic:
      if (profile == policy::Profile::windows_7)
        refuse("automatic dumps came with Windows 8; expected \"complete\", or a later profile");
      break;
    case DumpKind::active:
      if (profile < policy::Profile::windows_10)
        refuse("active dumps came with Windows 10; expected \"complete\", or a later profile");
      break;
    case DumpKind::none:
    case DumpKind::complete:
      break;
  }
}

bool in_memory(const Memory& memory, Pfn first, std::uint64_t count) {
  return std::any_of(memory.runs.begin(), memory.runs.end(), [&](const dumpfile::PageRun& run) {
    return first >= run.base && first - run.base < run.pages && count <= run.pages - (first - run.base);
  });
}

}  // namespace

void check_dump(const Node& root, const Scenario& scenario, Mistakes& mistakes) {
  check_kind(root, scenario, mistakes);
  const Memory& memory = scenario.system.memory;
  const Dump& dump = scenario.dump;
  const bool full = dump.format == Format::full || (dump.format == Format::by_profile &&
                                                    scenario.policies.is(policy::Policy::complete_format, "full"));
  if (dump.kind == DumpKind::complete && full && memory.runs.size() > dumpfile::full_form_runs) {
    mistakes.add(place_of(root, "system.memory.runs"), "system.memory.runs",
                 fmt::format("system.memory.runs: the header of a full dump (type 1) has room for {} runs, got {}; use "
                             "format = \"bitmap\"",
                             dumpfile::full_form_runs, memory.runs.size()));
  }
  for (std::size_t i = 0; i < dump.pages.size(); ++i) {
    if (in_memory(memory, dump.pages[i].base, dump.pages[i].pages)) continue;
    const std::string path = fmt::format("dump.pages.ranges[{}].first", i);
    mistakes.add(place_of(root, path), path,
                 fmt::format("dump.pages.ranges[{}]: pages {} to {} do not all exist in one run of memory", i,
                             dump.pages[i].base, dump.pages[i].base + dump.pages[i].pages - 1));
  }
  std::uint64_t pages = 0;
  for (const dumpfile::PageRun& run : memory.runs) pages += run.pages;
  if (scenario.hibernation.pages > pages) {
    mistakes.add(
        place_of(root, "hibernation.pages"), "hibernation.pages",
        fmt::format("hibernation.pages: {} are more than the machine has, {}", scenario.hibernation.pages, pages));
  }
}

void check_layout(const Node& root, const Scenario& scenario, Mistakes& mistakes) {
  Layout(root, scenario, mistakes).check();
}

}  // namespace dumpsim::scenario
