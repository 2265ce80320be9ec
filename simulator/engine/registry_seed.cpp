// SPDX-License-Identifier: Apache-2.0
#include "engine/registry_seed.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "base/file.hpp"
#include "base/utf16.hpp"
#include "policy/policy.hpp"
#include "trace/registry_words.hpp"

namespace dumpsim::engine {
namespace {

using scenario::RegistryValue;

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

/// What the product says of itself, by profile. Names and which of the values are there: [seen: registries of these
/// versions]; the current edition of Windows 11 still calls itself Windows 10 there, and its version 6.3.
struct Product {
  std::string_view name, version, display, release;
  std::uint32_t revision;
};

Product product_of(policy::Profile profile) {
  switch (profile) {
    case policy::Profile::windows_7:
      return {"Windows 7 Professional", "6.1", "", "", 0};
    case policy::Profile::windows_8_1:
      return {"Windows 8.1 Pro", "6.3", "", "", 0};
    case policy::Profile::windows_10:
      return {"Windows 10 Pro", "6.3", "22H2", "2009", 3803};
    case policy::Profile::windows_11:
      return {"Windows 10 Pro", "6.3", "23H2", "2009", 2861};
    case policy::Profile::windows_11_25h2:
    case policy::Profile::count_:
      break;
  }
  return {"Windows 10 Pro", "6.3", "25H2", "2009", 6584};
}

/// Values of one key, for seeding.
class Values {
 public:
  Values(kernel::Registry& registry, std::string_view path) : key_(*registry.create(to_utf16(path))) {}
  Values& set(std::string_view name, const scenario::RegistryValue& value) {
    kernel::Registry::set(key_, to_utf16(name), value.type, value.bytes);
    return *this;
  }
  Values& number(std::string_view name, std::uint32_t value) { return set(name, RegistryValue::dword(value)); }
  Values& text(std::string_view name, std::string_view value) { return set(name, RegistryValue::text(value)); }
  Values& expand(std::string_view name, std::string_view value) { return set(name, RegistryValue::text(value, true)); }

 private:
  kernel::Registry::Key& key_;
};

constexpr std::string_view control = "\\Registry\\Machine\\System\\CurrentControlSet\\Control\\";

void seed_product(kernel::Registry& registry, policy::Profile profile) {
  const policy::ProfileRow& row = policy::row_of(profile);
  const Product product = product_of(profile);
  const std::string build = std::to_string(row.build);
  Values current(registry, "\\Registry\\Machine\\Software\\Microsoft\\Windows NT\\CurrentVersion");
  current.text("ProductName", product.name)
      .text("CurrentVersion", product.version)
      .text("CurrentBuild", build)
      .text("CurrentBuildNumber", build)
      .text("CurrentType", "Multiprocessor Free")
      .text("EditionID", "Professional")
      .text("InstallationType", "Client")
      .text("SystemRoot", "C:\\Windows");
  if (row.major >= 10) {
    current.number("CurrentMajorVersionNumber", row.major)
        .number("CurrentMinorVersionNumber", row.minor)
        .number("UBR", product.revision)
        .text("DisplayVersion", product.display)
        .text("ReleaseId", product.release);
  }
  Values(registry, std::string(control) + "ProductOptions")
      .text("ProductType", "WinNT")
      .set("ProductSuite", RegistryValue::list(std::vector<std::string>{"Terminal Server"}));
  // Which control set is the current one [doc]: the link is resolved by the kernel's registry.
  Values(registry, "\\Registry\\Machine\\System\\Select")
      .number("Current", 1)
      .number("Default", 1)
      .number("Failed", 0)
      .number("LastKnownGood", 1);
}

void seed_crash_control(kernel::Registry& registry, const scenario::Scenario& scenario) {
  std::vector<std::string> names;
  for (const scenario::Filter& filter : scenario.filters) names.push_back(filter.name + ".sys");
  Values values(registry, std::string(control) + "CrashControl");
  values.number("AutoReboot", 1)
      .number("CrashDumpEnabled", crash_dump_enabled(scenario.dump.kind))
      .expand("DumpFile", "%SystemRoot%\\MEMORY.DMP")
      .set("DumpFilters", RegistryValue::list(names))
      .number("LogEvent", 1)
      .expand("MinidumpDir", "%SystemRoot%\\Minidump")
      .number("Overwrite", 1);
  if (scenario.dump.kind == scenario::DumpKind::active) values.number("FilterPages", 1);
}

kernel::Registry::Key* key_at(const kernel::Registry& registry, const scenario::RegistryEdit& edit) {
  return registry.find(to_utf16(edit.key));
}

/// Deletes a key with what is below it, but never the roots that the kernel itself looks for.
void delete_key(kernel::Registry& registry, const scenario::RegistryEdit& edit) {
  kernel::Registry::Key* key = key_at(registry, edit);
  if (key != nullptr) registry.remove_tree(*key);
}

void apply(kernel::Registry& registry, const scenario::RegistryEdit& edit) {
  using What = scenario::RegistryEdit::What;
  switch (edit.what) {
    case What::value:
      kernel::Registry::set(*registry.create(to_utf16(edit.key)), to_utf16(edit.name), edit.value.type,
                            edit.value.bytes);
      break;
    case What::no_value:
      if (kernel::Registry::Key* key = key_at(registry, edit))
        kernel::Registry::remove_value(*key, to_utf16(edit.name));
      break;
    case What::key:
      registry.create(to_utf16(edit.key));
      break;
    case What::no_key:
      delete_key(registry, edit);
      break;
  }
}

/// What only the two together show: a scenario says what is dumped, and a registry that says otherwise is stale.
std::string contradiction(const scenario::Scenario& scenario, const kernel::Registry& registry) {
  const kernel::Registry::Key* key = registry.find(to_utf16(std::string(control) + "CrashControl"));
  if (key == nullptr) return {};
  const auto number = [&](std::u16string_view name) {
    std::uint32_t value = 0;
    const kernel::Registry::Value* found = key->find_value(name);
    if (found != nullptr && found->bytes.size() == sizeof value) std::memcpy(&value, found->bytes.data(), sizeof value);
    return value;
  };
  const std::uint32_t enabled = number(u"CrashDumpEnabled");
  const bool active = enabled == 1 && number(u"FilterPages") == 1;
  if (enabled == crash_dump_enabled(scenario.dump.kind) &&
      active == (scenario.dump.kind == scenario::DumpKind::active)) {
    return {};
  }
  const std::string_view kind = enabled == 0   ? "none"
                                : active       ? "active"
                                : enabled == 1 ? "complete"
                                : enabled == 2 ? "kernel"
                                : enabled == 7 ? "automatic"
                                               : "";
  return fmt::format("the registry's CrashDumpEnabled is {}{} and the scenario's dump.kind another; {}", enabled,
                     active ? " with FilterPages" : "",
                     kind.empty() ? std::string("this kind of dump is not simulated, take the value out")
                                  : fmt::format("write kind = \"{}\" in [dump], or take the value out", kind));
}

}  // namespace

void seed_registry(kernel::Registry& registry, const scenario::Scenario& scenario,
                   std::span<const scenario::RegistryEdit> edits) {
  seed_product(registry, scenario.system.profile);
  seed_crash_control(registry, scenario);
  std::vector<const scenario::Service*> services;
  for (const scenario::Filter& filter : scenario.filters) services.push_back(&filter);
  for (const scenario::Driver& driver : scenario.drivers) services.push_back(&driver);
  for (const scenario::Service* each : services) {
    const std::string service = "\\Registry\\Machine\\System\\CurrentControlSet\\Services\\" + each->name;
    Values(registry, service)
        .number("Type", 1)  // SERVICE_KERNEL_DRIVER [doc]
        .number("Start", start_of(scenario, each->name))
        .number("ErrorControl", 1)
        .expand("ImagePath", "System32\\drivers\\" + each->name + ".sys");
    if (each->parameters.empty()) continue;
    Values parameters(registry, service + "\\Parameters");
    for (const auto& [name, value] : each->parameters) parameters.set(name, value);
  }
  for (const scenario::RegistryEdit& edit : edits) apply(registry, edit);
}

Result<std::vector<scenario::RegistryEdit>> registry_edits(const scenario::Scenario& scenario) {
  const scenario::Registry& asked = scenario.registry;
  const auto at = [](const std::filesystem::path& file, std::uint32_t line, std::uint32_t column,
                     std::string_view what) {
    return Error{file.empty() ? std::string(what) : fmt::format("{}:{}:{}: {}", file.string(), line, column, what)};
  };
  std::vector<scenario::RegistryEdit> edits;
  if (!asked.file.empty()) {
    Result<std::string> text = dumpsim::read_text(asked.file, scenario::largest_registry_file);
    if (!text) {
      return at(scenario.file, asked.line, asked.column, fmt::format("registry.file: {}", text.error().message));
    }
    auto parsed = scenario::parse_registry_file(*text, asked.file);
    if (!parsed) return parsed.error();
    edits = std::move(*parsed);
  }
  const std::size_t from_file = edits.size();
  edits.insert(edits.end(), asked.edits.begin(), asked.edits.end());
  if (edits.empty()) return edits;
  kernel::Registry registry;
  seed_registry(registry, scenario, edits);
  const std::string wrong = contradiction(scenario, registry);
  if (wrong.empty()) return edits;
  std::size_t last = edits.size() - 1;
  while (last > 0 && edits[last].name != "CrashDumpEnabled" && edits[last].name != "FilterPages") --last;
  return at(last < from_file ? asked.file : scenario.file, edits[last].line, edits[last].column, wrong);
}

std::string unmet_in_registry(const kernel::Registry& registry, std::span<const scenario::RegistryEdit> expected) {
  using What = scenario::RegistryEdit::What;
  std::string unmet;
  for (const scenario::RegistryEdit& edit : expected) {
    const kernel::Registry::Key* key = key_at(registry, edit);
    const kernel::Registry::Value* value = key == nullptr ? nullptr : key->find_value(to_utf16(edit.name));
    const auto words = [](std::uint32_t type, std::span<const std::byte> bytes) {
      return fmt::format("{} {}", trace::registry_type_name(type), trace::registry_data_words(type, bytes));
    };
    if (edit.what == What::key && key == nullptr) {
      unmet += fmt::format("registry: expected the key {}, which is not there\n", edit.key);
    }
    if (edit.what == What::no_value && value != nullptr) {
      unmet += fmt::format("registry: expected no value {}\\{}, it is {}\n", edit.key, edit.name,
                           words(value->type, value->bytes));
    }
    if (edit.what != What::value) continue;
    if (value != nullptr && value->type == edit.value.type && value->bytes == edit.value.bytes) continue;
    unmet += fmt::format("registry: expected {}\\{} to be {}, it is {}\n", edit.key, edit.name,
                         words(edit.value.type, edit.value.bytes),
                         value == nullptr ? std::string("absent") : words(value->type, value->bytes));
  }
  return unmet;
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
