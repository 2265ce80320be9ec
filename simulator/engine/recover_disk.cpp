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
  if (auto there = File::open(request.disk, File::Mode::read); !there) return there.error();
  disk::Layout layout;
  std::error_code ignored;
  for (const std::filesystem::path& input : {request.disk, disk::layout_path(request.disk)}) {
    if (std::filesystem::equivalent(input, request.output, ignored)) {
      return Error{fmt::format("{} is what is read; the dump needs another file", request.output.string())};
    }
  }
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

/// What is known of the disk: how it is cut up, and where on it the dump file lies.
struct OnDisk {
  const RecoverRequest& request;
  const disk::Layout& layout;
  disk::BlockDevice& disk;
  const disk::ExtentMap& file;
};

Result<ReadBack> read_raw(const OnDisk& on) {
  auto bytes =
      raw_bytes(on.request.disk.string() + ", dump file", on.disk, on.file, on.layout.partition_start, on.layout.shift);
  if (looks_like_dump(*bytes)) return ReadBack{std::move(bytes), {}};
  const std::uint64_t at = on.file.empty() ? 0 : on.file.extents()[0].at.on_disk(on.layout.partition_start).bytes;
  return ReadBack{nullptr,
                  fmt::format("no dump at disk offset {:#x}: the next boot looks for PAGEDU64 there; if a filter "
                              "encrypted it, read it through the filter with --via filters SCENARIO, through "
                              "the volume's drivers with --via volume SCENARIO, or through a reader with --via "
                              "reader:LIB.so",
                              at)};
}

/// The volume that filters and drivers ask about is this disk's, not the scenario's.
void plan_for_disk(const OnDisk& on, const scenario::Scenario& scenario, Plan& plan) {
  plan.partition_start = on.layout.partition_start;
  plan.partition_size = on.layout.partition_size;
  disk::PartitionEntry& partition = plan.table.partitions[scenario.disk.dump_partition];
  if (auto table = disk::PartitionTable::read(on.disk)) {
    for (const disk::PartitionEntry& found : table->partitions) {
      if (found.start == on.layout.partition_start) partition = found;
    }
    plan.table.style = table->style;
    plan.table.mbr_signature = table->mbr_signature;
    plan.table.disk_id = table->disk_id;
  }
  partition.start = on.layout.partition_start;
  partition.size = on.layout.partition_size;
  plan.table.disk_size = on.layout.disk_size;
  plan.table.sector_size = on.layout.sector_size;
}

Result<ReadBack> read_as_scenario(const OnDisk& on, const RunOptions& options) {
  const bool volume = !on.request.via_volume_of.empty();
  auto scenario = scenario::load(volume ? on.request.via_volume_of : on.request.via_filters_of);
  if (!scenario) return scenario.error();
  scenario->disk.sector_size = on.layout.sector_size;
  auto images = find_images(*scenario, options);
  if (!images) return images.error();
  auto planned = plan(*scenario);
  if (!planned) return planned.error();
  plan_for_disk(on, *scenario, *planned);
  auto memory = machine::PhysicalMemory::create(planned->ram, planned->source, {});
  if (!memory) return memory.error();
  machine::Machine machine{.memory = std::move(*memory)};
  const auto read = volume ? bytes_through_volume : bytes_through_filters;
  return read({*scenario, *planned, *images, machine, on.disk}, on.file, {}, {});
}

Result<ReadBack> read_by_reader(const OnDisk& on, const RunOptions& options) {
  auto reader = find_reader(on.request.via_reader, {}, options);
  if (!reader) return reader.error();
  return bytes_through_reader(*reader, on.disk, on.layout.partition_start, on.layout.partition_size, on.file,
                              stuck_seconds(scenario::Scenario{}), {});
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
  const OnDisk on{request, *layout, **disk, *file};
  std::string_view how = "raw";
  Result<ReadBack> back = ReadBack{};
  if (!request.via_reader.empty()) {
    back = read_by_reader(on, options);
    how = "through the reader";
  } else if (!request.via_filters_of.empty() || !request.via_volume_of.empty()) {
    back = read_as_scenario(on, options);
    how = request.via_volume_of.empty() ? "through the filters" : "through the volume";
  } else {
    back = read_raw(on);
  }
  if (!back) return back.error();
  if (!back->bytes) return Error{fmt::format("{}: {}", request.disk.string(), back->why_not)};
  auto dump = dumpfile::DumpReader::open(back->bytes);
  if (!dump) return dump.error();
  if (auto copied = copy_out(*back->bytes, dump->recovered_size(), request.output, request.replace); !copied)
    return copied.error();
  return fmt::format("{}: {} recovered {}\n", request.output.string(), format_size(dump->recovered_size()), how);
}

}  // namespace dumpsim::engine
