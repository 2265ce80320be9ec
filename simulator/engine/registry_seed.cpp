// SPDX-License-Identifier: Apache-2.0
#include "engine/registry_seed.hpp"

#include <algorithm>
#include <type_traits>

namespace dumpsim::engine {
namespace {

// CrashDumpEnabled [doc]; an active dump is a complete one with FilterPages = 1 [seen: registry comparison].
std::uint32_t crash_dump_enabled(scenario::DumpKind kind) {
  switch (kind) {
    case scenario::DumpKind::none:
      return 0;
    case scenario::DumpKind::complete:
    case scenario::DumpKind::active:
      return 1;
    case scenario::DumpKind::kernel:
      return 2;
    case scenario::DumpKind::automatic:
      return 7;
  }
  return 0;
}

/// Start of a service [doc]: a dump filter's driver has to be there at boot, an ordinary one says for itself.
std::uint32_t start_of(const scenario::Scenario& scenario, const std::string& name) {
  for (const scenario::Driver& driver : scenario.drivers) {
    if (driver.name == name) return driver.start == scenario::Driver::Start::boot ? 0 : 1;
  }
  return 0;
}

}  // namespace

void seed_registry(kernel::Registry& registry, const scenario::Scenario& scenario) {
  constexpr std::string_view control = "Control\\CrashControl";
  registry.set_dword(control, "CrashDumpEnabled", crash_dump_enabled(scenario.dump.kind));
  if (scenario.dump.kind == scenario::DumpKind::active) registry.set_dword(control, "FilterPages", 1);
  std::vector<std::string> names;
  for (const scenario::Filter& filter : scenario.filters) names.push_back(filter.name + ".sys");
  registry.set_strings(control, "DumpFilters", names);
  std::vector<const scenario::Service*> services;
  for (const scenario::Filter& filter : scenario.filters) services.push_back(&filter);
  for (const scenario::Driver& driver : scenario.drivers) services.push_back(&driver);
  for (const scenario::Service* each : services) {
    const scenario::Service& given_service = *each;
    const std::string service = "Services\\" + given_service.name;
    registry.set_dword(service, "Type", 1);  // SERVICE_KERNEL_DRIVER [doc]
    registry.set_dword(service, "Start", start_of(scenario, given_service.name));
    registry.set_dword(service, "ErrorControl", 1);
    registry.set_string(service, "ImagePath", "System32\\drivers\\" + given_service.name + ".sys");
    const std::string parameters = service + "\\Parameters";
    for (const auto& [name, value] : given_service.parameters) {
      std::visit(
          [&, &key = name](const auto& given) {
            using T = std::decay_t<decltype(given)>;
            if constexpr (std::is_same_v<T, std::uint32_t>)
              registry.set_dword(parameters, key, given);
            else if constexpr (std::is_same_v<T, std::uint64_t>)
              registry.set_qword(parameters, key, given);
            else if constexpr (std::is_same_v<T, std::string>)
              registry.set_string(parameters, key, given);
            else if constexpr (std::is_same_v<T, std::vector<std::string>>)
              registry.set_strings(parameters, key, given);
            else
              registry.set_binary(parameters, key, given);
          },
          value);
    }
  }
}

namespace {

kernel::PartitionFacts facts_of(const disk::PartitionEntry& partition) {
  kernel::PartitionFacts facts;
  facts.number = partition.number;
  facts.start = partition.start;
  facts.length = partition.size;
  facts.mbr_type = partition.mbr_type;
  facts.mbr_active = partition.bootable;
  facts.gpt_type = partition.type.bytes;
  facts.gpt_id = partition.id.bytes;
  facts.gpt_attributes = partition.attributes;
  const auto end = std::find(partition.gpt_name.begin(), partition.gpt_name.end(), u'\0');
  facts.gpt_name.assign(partition.gpt_name.begin(), end);
  return facts;
}

}  // namespace

kernel::VolumeFacts volume_facts(const scenario::Scenario& scenario, const Plan& plan) {
  const disk::PartitionTable& table = plan.table;
  const disk::Geometry geometry = table.geometry();
  kernel::VolumeFacts facts;
  facts.style = table.style == disk::PartitionStyle::gpt   ? kernel::VolumeFacts::Style::gpt
                : table.style == disk::PartitionStyle::mbr ? kernel::VolumeFacts::Style::mbr
                                                           : kernel::VolumeFacts::Style::raw;
  facts.disk_size = table.disk_size;
  facts.sector_size = table.sector_size;
  facts.tracks_per_cylinder = geometry.tracks_per_cylinder;
  facts.sectors_per_track = geometry.sectors_per_track;
  facts.mbr_signature = table.mbr_signature;
  facts.mbr_checksum = table.mbr_checksum();
  facts.gpt_disk = table.disk_id.bytes;
  const std::uint64_t start = disk::table_bytes_at_start(table.style, table.sector_size);
  const std::uint64_t end = disk::table_bytes_at_end(table.style, table.sector_size);
  facts.gpt_usable_start = DiskOffset{start};
  facts.gpt_usable_length = table.disk_size - std::min(table.disk_size, start + end);
  facts.transfer_limit = static_cast<std::uint32_t>(scenario.policies.number(policy::Policy::port_transfer_limit));
  facts.dump_pointers_version =
      static_cast<std::uint32_t>(scenario.policies.number(policy::Policy::dump_pointers_version));
  for (const disk::PartitionEntry& partition : table.partitions) facts.partitions.push_back(facts_of(partition));
  facts.dump_partition = scenario.disk.dump_partition;
  return facts;
}

}  // namespace dumpsim::engine
