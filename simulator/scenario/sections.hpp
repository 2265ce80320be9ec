// SPDX-License-Identifier: Apache-2.0
// The steps from a document to a scenario: one reader for each table, then checks between tables. Inside the room only.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "scenario/reader.hpp"
#include "scenario/scenario.hpp"

namespace dumpsim::scenario {

/// What every reader works on. `folder` is what relative paths are relative to.
struct Reading {
  Section& top;
  Scenario& scenario;
  Mistakes& mistakes;
  std::filesystem::path folder;
};

// Readers leave the default of what is absent or wrong.
void read_system(Reading& reading);    ///< [system]; first, since the profile decides defaults
void read_policies(Reading& reading);  ///< [policy]
void read_disk(Reading& reading);      ///< [disk]
void read_dump(Reading& reading);      ///< [dump] and [hibernation]
void read_filters(Reading& reading);   ///< [[filter]]
void read_drivers(Reading& reading);   ///< [[driver]]
void read_devices(Reading& reading);   ///< [[device]]
void read_registry(Reading& reading);  ///< [registry]
void read_files(Reading& reading);     ///< [files]
void read_life(Reading& reading);      ///< title, timeline
void read_sequence(Reading& reading);  ///< sequence
void read_verify(Reading& reading);    ///< [verify], secrets
void read_run(Reading& reading);       ///< [recover], [trace], [limits], [rules]
void read_expect(Reading& reading);    ///< [expect]; after filters and drivers, whose names it uses

/// An NTSTATUS as a number or by its name; `key` begins the message of a mistake.
std::optional<std::int32_t> read_status(Section& section, const Node& node, std::string_view key);

/// A value of the registry as any table writes it: its name is the entry's key. `what` begins the message of a mistake
/// ("parameter"). False after a mistake, which `section` has been told.
bool read_registry_entry(Section& section, const Entry& entry, std::string_view what, RegistryEdit& into);
/// Tables by key of the registry, in which every name is a value.
void read_registry_keys(Section& section, std::vector<RegistryEdit>& into);

/// Files by path, as [files] and [expect.files] write them; `expected`: with the forms that only an expectation has.
void read_file_specs(Section& section, const Reading& reading, bool expected, std::vector<FileSpec>& into);

// Checks between values, on a complete scenario; `mistakes` says which tables can be relied on.
void check_timeline(const Node& root, const Scenario& scenario, Mistakes& mistakes);
void check_sequence(const Node& root, Scenario& scenario, Mistakes& mistakes);
void check_dump(const Node& root, const Scenario& scenario, Mistakes& mistakes);
void check_layout(const Node& root, const Scenario& scenario, Mistakes& mistakes);
void check_verify(const Node& root, const Scenario& scenario, Mistakes& mistakes);
void check_judgement(const Node& root, const Scenario& scenario, Mistakes& mistakes);

/// Whether a crash is followed by the boot that would find its dump.
bool dumps_and_boots(const Scenario& scenario);
/// Whether any step of the scenario uses the hibernation stack.
bool hibernates(const Scenario& scenario);
/// The sum, or 2^64 - 1 where it does not fit.
std::uint64_t saturating_add(std::uint64_t a, std::uint64_t b);

}  // namespace dumpsim::scenario
