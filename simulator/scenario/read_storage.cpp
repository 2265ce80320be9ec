// SPDX-License-Identifier: Apache-2.0
// [disk], [dump] and [hibernation]: each value on its own. Whether files fit their partition and partitions their disk
// is known only once the defaults are in; see check_storage.cpp.
#include <fmt/format.h>

#include <cmath>

#include "base/text.hpp"
#include "scenario/sections.hpp"

namespace dumpsim::scenario {
namespace {

void read_partitions(Section& disk, Disk& into) {
  disk.exclusive("partitions", "partition_offset", "the list says where each partition lies");
  disk.exclusive("partitions", "partition_size", "the list says where each partition lies");
  if (into.style == PartitionStyle::none) {
    for (const std::string_view key : {"partitions", "partition_offset", "partition_size", "dump_partition"}) {
      if (disk.has(key)) disk.mistake(key, fmt::format("disk.{}: a disk of style \"none\" has no partitions", key));
    }
  }
  if (disk.has("partition_offset") || disk.has("partition_size")) {
    Partition only{{into.style == PartitionStyle::none ? 0 : std::uint64_t{1} << 20}, 0};
    if (const auto offset = disk.size("partition_offset")) only.start.bytes = *offset;
    if (const auto size = disk.size("partition_size")) only.size = *size;
    into.partitions = {only};
  }
  if (disk.has("partitions")) {
    into.partitions.clear();
    for (Section& item : disk.tables("partitions")) {
      item.require_all({"offset", "size"});
      const auto offset = item.size("offset");
      const auto size = item.size("size");
      if (offset && size) into.partitions.push_back({{*offset}, *size});
    }
    if (const Node* list = disk.any("partitions"); list->kind == NodeKind::array && list->items.empty()) {
      disk.mistake("partitions", "disk.partitions: the list is empty; leave it out for one partition");
    }
  }
  if (const auto number = disk.integer("dump_partition")) into.dump_partition = static_cast<std::size_t>(*number - 1);
}

void read_extents(Section& file, FilePlace& into) {
  for (const std::string_view key : {"size", "fragments", "seed", "offset"}) {
    file.exclusive("extents", key, "the extents say where every byte lies");
  }
  std::uint64_t total = 0;
  for (Section& item : file.tables("extents")) {
    item.require_all({"offset", "size"});
    const auto offset = item.size("offset");
    const auto size = item.size("size");
    if (!offset || !size) continue;
    into.extents.push_back({PartitionOffset{*offset}, *size});
    total = saturating_add(total, *size);
  }
  if (const Node* list = file.any("extents"); list->kind == NodeKind::array && list->items.empty()) {
    file.mistake("extents",
                 fmt::format("{}: the list is empty; leave it out to have the file placed", file.full("extents")));
  }
  into.size = total;
}

void read_file(Section file, FilePlace& into) {
  if (const auto size = file.size("size")) into.size = *size;
  if (const auto fragments = file.integer("fragments")) into.fragments = static_cast<std::uint32_t>(*fragments);
  if (const auto seed = file.number("seed")) into.seed = *seed;
  if (const auto offset = file.size("offset")) into.offset = PartitionOffset{*offset};
  if (file.has("offset") && into.fragments > 1) {
    file.exclusive("offset", "fragments", "a fragmented file has no single place; give its extents");
  }
  if (file.has("extents")) read_extents(file, into);
}

void read_bugcheck(Section bugcheck, Bugcheck& into) {
  if (const auto code = bugcheck.integer("code")) into.code = static_cast<std::uint32_t>(*code);
  const std::vector<std::uint64_t> parameters = bugcheck.numbers("parameters", into.parameters.size());
  std::copy(parameters.begin(), parameters.end(), into.parameters.begin());
}

void read_ranges(Section& pages, Dump& into) {
  std::uint64_t end = 0;
  for (Section& item : pages.tables("ranges")) {
    item.require_all({"first", "count"});
    const auto first = item.integer("first");
    const auto count = item.integer("count");
    if (!first || !count) continue;
    if (!into.pages.empty() && *first <= end) {
      item.mistake("first", fmt::format("{}: page {} where the range before it ends at {}; ranges are ascending and "
                                        "apart, touching ones are written as one",
                                        item.full("first"), *first, end));
      continue;
    }
    into.pages.push_back({*first, *count});
    end = *first + *count;
  }
  if (const Node* list = pages.any("ranges"); list != nullptr && list->kind == NodeKind::array && list->items.empty()) {
    pages.mistake("ranges", "dump.pages.ranges: the list is empty; a dump holds at least one page");
  }
}

void read_pages(Section pages, Dump& into) {
  pages.exclusive("ranges", "share", "the ranges say which pages");
  pages.exclusive("ranges", "seed", "the ranges say which pages");
  read_ranges(pages, into);
  if (const auto share = pages.share("share")) {
    into.share_per_mille = static_cast<std::uint32_t>(std::lround(*share * 1000));
    if (into.share_per_mille == 0) pages.mistake("share", "dump.pages.share: expected at least 0.001");
  }
  if (const auto seed = pages.number("seed")) into.share_seed = *seed;
  if (into.kind == DumpKind::complete || into.kind == DumpKind::none) {
    pages.mistake_at(pages.node().place,
                     fmt::format("dump.pages: a dump of kind \"{}\" does not choose pages; expected "
                                 "kind \"kernel\", \"automatic\" or \"active\"",
                                 into.kind == DumpKind::none ? "none" : "complete"));
  }
}

}  // namespace

void read_disk(Reading& reading) {
  auto disk = reading.top.table("disk");
  if (!disk) return;
  Disk& into = reading.scenario.disk;
  if (const auto backend = disk->word("backend")) into.backend = static_cast<Backend>(*backend);
  if (const auto path = disk->text("path")) {
    if (path->empty()) disk->mistake("path", "disk.path: expected a path, got an empty text");
    into.path = reading.folder / *path;
    if (into.backend != Backend::raw) {
      disk->mistake("path", "disk.path: only the raw backend has a file; add backend = \"raw\"");
    }
  }
  if (const auto size = disk->size("size")) into.size = *size;
  if (const auto sector = disk->integer("sector_size")) {
    into.sector_size = static_cast<std::uint32_t>(*sector);
    if (*sector != 512 && *sector != 4096) {
      disk->mistake("sector_size", fmt::format("disk.sector_size: expected 512 or 4096, got {}", *sector));
    }
  }
  if (const auto style = disk->word("style")) into.style = static_cast<PartitionStyle>(*style);
  read_partitions(*disk, into);
}

void read_dump(Reading& reading) {
  Dump& into = reading.scenario.dump;
  if (auto dump = reading.top.table("dump")) {
    if (const auto kind = dump->word("kind")) into.kind = static_cast<DumpKind>(*kind);
    if (const auto format = dump->word("format")) {
      into.format = static_cast<Format>(*format + static_cast<std::size_t>(Format::full));
      const bool chooses = into.kind == DumpKind::complete;
      if (into.kind == DumpKind::none || (!chooses && into.format == Format::full)) {
        dump->mistake("format", "dump.format: only a complete dump has a full form; leave it out");
      }
    }
    if (auto file = dump->table("file")) read_file(*file, into.file);
    if (auto bugcheck = dump->table("bugcheck")) read_bugcheck(*bugcheck, into.bugcheck);
    if (auto pages = dump->table("pages")) read_pages(*pages, into);
    if (const auto drivers = dump->boolean("driver_memory")) into.driver_memory = *drivers;
  }
  if (auto hibernation = reading.top.table("hibernation")) {
    Hibernation& image = reading.scenario.hibernation;
    if (auto file = hibernation->table("file")) read_file(*file, image.file);
    if (const auto pages = hibernation->integer("pages")) image.pages = *pages;
  }
}

}  // namespace dumpsim::scenario
