// SPDX-License-Identifier: Apache-2.0
#include "engine/recover_disk.hpp"

#include <fmt/format.h>

#include <system_error>

#include "base/text.hpp"
#include "disk/backends.hpp"
#include "disk/layout.hpp"
#include "disk/partition_table.hpp"
#include "dumpfile/dump_reader.hpp"
#include "engine/plan.hpp"
#include "engine/reader_plugin.hpp"
#include "engine/recover.hpp"

namespace dumpsim::engine {
namespace {

/// The layout beside the disk with what the caller gave over it; without one, what the partition table shows.
Result<disk::Layout> find_layout(const RecoverRequest& request) {
  disk::Layout layout;
  std::error_code ignored;
  const bool beside = std::filesystem::exists(disk::layout_path(request.disk), ignored);
  if (beside) {
    auto read = disk::read_layout(request.disk);
    if (!read) return read.error();
    layout = std::move(*read);
  } else if (request.extents.empty()) {
    return Error{
        fmt::format("{} has no layout beside it ({}): say where the dump file lies with --extent OFFSET:LENGTH, "
                    "partition-relative, once for each piece",
                    request.disk.string(), disk::layout_path(request.disk).filename().string())};
  }
  if (request.sector_size) layout.sector_size = *request.sector_size;
  if (request.shift) layout.shift = *request.shift;
  if (!request.extents.empty()) layout.dump_file = request.extents;
  if (!beside) {
    auto image = disk::make_disk(
        "raw", {.path = request.disk, .access = disk::Access::read_only, .sector_size = layout.sector_size});
    if (!image) return image.error();
    layout.disk_size = (*image)->size();
    if (!request.partition_offset) {
      auto table = disk::PartitionTable::read(**image);
      if (!table)
        return Error{fmt::format("{}: {}; say where the partition begins with --partition-offset",
                                 request.disk.string(), table.error().message)};
      if (table->partitions.size() != 1) {
        return Error{fmt::format("{} has {} partitions; say which one holds the dump file with --partition-offset",
                                 request.disk.string(), table->partitions.size())};
      }
      layout.partition_start = table->partitions[0].start;
      layout.partition_size = table->partitions[0].size;
    }
  }
  if (request.partition_offset) {
    layout.partition_start = DiskOffset{*request.partition_offset};
    if (!request.partition_size && layout.partition_start.bytes < layout.disk_size) {
      layout.partition_size = layout.disk_size - layout.partition_start.bytes;
    }
  }
  if (request.partition_size) layout.partition_size = *request.partition_size;
  if (auto good = disk::check_layout(layout); !good)
    return Error{fmt::format("{}: {}", request.disk.string(), good.error().message)};
  return layout;
}

}  // namespace

Result<std::string> recover_disk(const RecoverRequest& request, const RunOptions& options) {
  auto layout = find_layout(request);
  if (!layout) return layout.error();
  auto disk = disk::make_disk(
      "raw", {.path = request.disk, .access = disk::Access::read_only, .sector_size = layout->sector_size});
  if (!disk) return disk.error();
  auto file = disk::ExtentMap::make("dump file", layout->dump_file, layout->partition_size, layout->sector_size);
  if (!file) return Error{fmt::format("{}: {}", request.disk.string(), file.error().message)};

  std::shared_ptr<const dumpfile::ByteReader> bytes;
  std::string how = "raw";
  const auto take = [&](Result<ReadBack> back) -> Result<void> {
    if (!back) return back.error();
    if (!back->bytes) return Error{fmt::format("{}: {}", request.disk.string(), back->why_not)};
    bytes = std::move(back->bytes);
    return {};
  };
  if (!request.via_reader.empty()) {
    auto reader = find_reader(request.via_reader, {}, options);
    if (!reader) return reader.error();
    const std::uint32_t patience = stuck_seconds(scenario::Scenario{});
    if (auto done = take(
            bytes_through_reader(*reader, **disk, layout->partition_start, layout->partition_size, *file, patience));
        !done)
      return done.error();
    how = "through the reader";
  } else if (request.via_filters_of.empty()) {
    bytes = raw_bytes(request.disk.string() + ", dump file", **disk, *file, layout->partition_start, layout->shift);
    if (!looks_like_dump(*bytes)) {
      return Error{fmt::format(
          "{}: no dump at disk offset {:#x}: the next boot looks for PAGEDU64 there; if a filter encrypted it, read it "
          "through the filter with --via filters SCENARIO or through a reader with --via reader:LIB.so",
          request.disk.string(), file->empty() ? 0 : file->extents()[0].at.on_disk(layout->partition_start).bytes)};
    }
  } else {
    auto scenario = scenario::load(request.via_filters_of);
    if (!scenario) return scenario.error();
    scenario->disk.sector_size = layout->sector_size;
    auto images = find_images(*scenario, options);
    if (!images) return images.error();
    auto planned = plan(*scenario);
    if (!planned) return planned.error();
    planned->partition_start = layout->partition_start;
    planned->partition_size = layout->partition_size;
    auto memory = machine::PhysicalMemory::create(planned->ram, planned->source, {});
    if (!memory) return memory.error();
    machine::Machine machine{.memory = std::move(*memory)};
    if (auto done = take(
            bytes_through_filters(*scenario, *planned, *file, *images, machine, **disk, stuck_seconds(*scenario)));
        !done)
      return done.error();
    how = "through the filters";
  }
  auto dump = dumpfile::DumpReader::open(bytes);
  if (!dump) return dump.error();
  if (auto copied = copy_out(*bytes, dump->recovered_size(), request.output, request.replace); !copied)
    return copied.error();
  return fmt::format("{}: {} recovered {}\n", request.output.string(), format_size(dump->recovered_size()), how);
}

}  // namespace dumpsim::engine
