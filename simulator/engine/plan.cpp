// SPDX-License-Identifier: Apache-2.0
#include "engine/plan.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "machine/machine.hpp"

namespace dumpsim::engine {
namespace {

using scenario::Scenario;

Result<void> plan_memory(const Scenario& scenario, Plan& plan) {
  const scenario::Memory& memory = scenario.system.memory;
  plan.ram = memory.runs;
  switch (memory.fill) {
    case scenario::Fill::canary:
      plan.source = dumpfile::canary_source();
      return {};
    case scenario::Fill::zeros:
      plan.source = dumpfile::zero_source();
      return {};
    case scenario::Fill::random:
      plan.source = dumpfile::random_source(memory.seed);
      return {};
    case scenario::Fill::image:
      break;
  }
  auto image = dumpfile::open_image_source(memory.image);
  if (!image) return image.error();
  plan.source = std::move(image->source);
  if (plan.ram.empty()) plan.ram = std::move(image->runs);
  return {};
}

// A dump or ELF core says which pages exist; a scenario that gives a size or runs overrides it.
Result<disk::ExtentMap> place(const char* name, const scenario::FilePlace& file, const Scenario& scenario,
                              std::uint64_t partition_size, std::vector<disk::Extent>& taken) {
  std::vector<disk::Extent> extents;
  for (const auto& [at, bytes] : file.extents) extents.push_back({at, bytes});
  if (extents.empty() && file.offset) extents.push_back({*file.offset, file.size});
  auto map = extents.empty()
                 ? disk::lay_out_file(name, {.size = file.size, .fragments = file.fragments, .seed = file.seed},
                                      partition_size, scenario.disk.sector_size, taken)
                 : disk::ExtentMap::make(name, extents, partition_size, scenario.disk.sector_size);
  if (!map) return map.error();
  taken.insert(taken.end(), map->extents().begin(), map->extents().end());
  return map;
}

dumpfile::DumpKind kind_of(scenario::DumpKind kind) {
  switch (kind) {
    case scenario::DumpKind::kernel:
      return dumpfile::DumpKind::kernel;
    case scenario::DumpKind::automatic:
      return dumpfile::DumpKind::automatic;
    case scenario::DumpKind::active:
      return dumpfile::DumpKind::active;
    case scenario::DumpKind::complete:
    case scenario::DumpKind::none:
      break;
  }
  return dumpfile::DumpKind::complete;
}

Result<void> plan_dump(const Scenario& scenario, Plan& plan) {
  if (scenario.dump.kind == scenario::DumpKind::none) return {};
  dumpfile::DumpRequest request;
  request.kind = kind_of(scenario.dump.kind);
  const bool complete = request.kind == dumpfile::DumpKind::complete;
  switch (scenario.dump.format) {
    case scenario::Format::full:
      request.form = dumpfile::DumpForm::full;
      break;
    case scenario::Format::bitmap:
      request.form = dumpfile::DumpForm::bitmap;
      break;
    case scenario::Format::by_profile:
      request.form = complete && scenario.policies.is(policy::Policy::complete_format, "full")
                         ? dumpfile::DumpForm::full
                         : dumpfile::DumpForm::bitmap;
      break;
  }
  request.memory = plan.ram;
  if (complete) {
    auto all = dumpfile::PageSet::of_runs(plan.ram);
    if (!all) return all.error();
    plan.stored = std::move(*all);
  } else if (!scenario.dump.pages.empty()) {
    auto some = dumpfile::PageSet::of_runs(scenario.dump.pages);
    if (!some) return some.error();
    plan.stored = std::move(*some);
  } else {
    auto share = dumpfile::PageSet::share_of(plan.ram, scenario.dump.share_per_mille, scenario.dump.share_seed);
    if (!share) return share.error();
    plan.stored = std::move(*share);
  }
  if (!complete) request.pages = plan.stored;
  request.build = policy::row_of(scenario.system.profile).build;
  request.processors = scenario.system.processors;
  request.bugcheck_code = scenario.dump.bugcheck.code;
  request.bugcheck_parameters = scenario.dump.bugcheck.parameters;
  request.system_time = machine::boot_filetime;
  auto layout = dumpfile::DumpLayout::plan(std::move(request));
  if (!layout) return layout.error();
  plan.layout = std::move(*layout);
  return {};
}

// One disk identity for every run: GUIDs and signatures must repeat.
constexpr std::uint64_t disk_seed = 1;

disk::PartitionStyle style_of(scenario::PartitionStyle style) {
  switch (style) {
    case scenario::PartitionStyle::mbr:
      return disk::PartitionStyle::mbr;
    case scenario::PartitionStyle::gpt:
      return disk::PartitionStyle::gpt;
    case scenario::PartitionStyle::none:
      break;
  }
  return disk::PartitionStyle::none;
}

bool hibernates(const Scenario& scenario) {
  return std::find(scenario.timeline.begin(), scenario.timeline.end(), scenario::TimelineStep::hibernate) !=
             scenario.timeline.end() ||
         std::any_of(scenario.sequence.begin(), scenario.sequence.end(),
                     [](const auto& step) { return step.hibernation; });
}

// One allocation unit for the log record that is read and written after DumpFinish.
constexpr std::uint64_t log_bytes = disk::cluster_size;

Result<void> plan_files(const Scenario& scenario, Plan& plan) {
  std::vector<disk::Extent> taken;
  // Files with a given place first, so that those laid out by seed keep off them.
  const auto given = [](const scenario::FilePlace& file) { return !file.extents.empty() || file.offset.has_value(); };
  struct Wanted {
    const char* name;
    const scenario::FilePlace* file;
    disk::ExtentMap* map;
  };
  std::vector<Wanted> wanted{{"dump file", &scenario.dump.file, &plan.dump_file}};
  if (hibernates(scenario)) wanted.push_back({"hibernation file", &scenario.hibernation.file, &plan.hibernation_file});
  std::stable_partition(wanted.begin(), wanted.end(), [&](const Wanted& want) { return given(*want.file); });
  for (const Wanted& want : wanted) {
    auto map = place(want.name, *want.file, scenario, plan.partition_size, taken);
    if (!map) return map.error();
    *want.map = std::move(*map);
  }
  if (!scenario.policies.is(policy::Policy::dump_log, "after-finish")) return {};
  scenario::FilePlace log;
  log.size = log_bytes;
  auto map = place("dump log", log, scenario, plan.partition_size, taken);
  // A partition filled to the last cluster has no log; Windows starts without one as well. [assumed]
  if (map) plan.log_file = std::move(*map);
  return {};
}

disk::Layout layout_of(const Scenario& scenario, const Plan& plan) {
  const auto list = [](const disk::ExtentMap& map) {
    return std::vector<disk::Extent>(map.extents().begin(), map.extents().end());
  };
  return {.sector_size = scenario.disk.sector_size,
          .disk_size = scenario.disk.size,
          .partition_start = plan.partition_start,
          .partition_size = plan.partition_size,
          .dump_file = list(plan.dump_file),
          .hibernation_file = list(plan.hibernation_file),
          .dump_log = list(plan.log_file),
          .shift = scenario.recover.shift};
}

}  // namespace

std::uint32_t stuck_seconds(const Scenario& scenario) {
  constexpr std::uint32_t factor = 3;
  return std::max<std::uint32_t>(1, scenario.limits.cpu_seconds) * factor;
}

Result<Plan> plan(const Scenario& scenario) {
  Plan plan;
  if (auto done = plan_memory(scenario, plan); !done) return done.error();
  const scenario::Partition& partition = scenario.disk.partitions[scenario.disk.dump_partition];
  plan.partition_start = partition.start;
  plan.partition_size = partition.size;
  std::uint64_t pages = scenario.hibernation.pages;
  for (const dumpfile::PageRun& run : plan.ram) {
    const std::uint64_t now = scenario.hibernation.pages == 0 ? run.pages : std::min(pages, run.pages);
    if (now == 0) break;
    plan.hibernated.push_back({run.base, now});
    pages -= scenario.hibernation.pages == 0 ? 0 : now;
  }
  std::vector<disk::PartitionPlace> places;
  for (const scenario::Partition& place : scenario.disk.partitions) places.push_back({place.start, place.size});
  auto table = disk::PartitionTable::make(style_of(scenario.disk.style), scenario.disk.size, scenario.disk.sector_size,
                                          places, disk_seed);
  if (!table) return table.error();
  plan.table = std::move(*table);
  if (auto done = plan_files(scenario, plan); !done) return done.error();
  plan.on_disk = layout_of(scenario, plan);
  // Files that are given by hand may overlap each other, or one laid out before them.
  if (auto apart = disk::check_layout(plan.on_disk); !apart) return apart.error();
  if (auto done = plan_dump(scenario, plan); !done) return done.error();
  return plan;
}

}  // namespace dumpsim::engine
