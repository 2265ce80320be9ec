// SPDX-License-Identifier: Apache-2.0
// The filter battery: the scenarios that every dump filter has to come through, whatever it does, made for the filters
// of a user who has written none. Each is the text of a scenario file, so that what was run can be kept, read and run
// again by itself.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "engine/run.hpp"
#include "engine/warm_host.hpp"
#include "scenario/services.hpp"

namespace dumpsim::engine {

struct BatteryCase {
  std::string group;  ///< "MDL shapes"
  std::string name;   ///< "hibernate, discontiguous"
  std::string setup;  ///< the scenario but for its [expect]
  // Of [expect].
  std::string outcome;                ///< empty: completed
  std::vector<std::string> statuses;  ///< inline tables
  std::vector<std::string> disabled;  ///< names of filters
  std::string recovered;              ///< empty: nothing is said about it
  std::optional<std::uint64_t> readable_sectors;
  /// A filter may stop the machine by a bug check of its own: it is handed what nobody has seen Windows hand out
  /// [seen: DiskCryptor and upstream VeraCrypt stop at an MDL that is not mapped].
  bool may_stop = false;
  /// The scenario file.
  std::string text() const;
  /// "mdl-shapes-hibernate-discontiguous.toml"
  std::string file_name() const;
};

/// What the filters are, as a scenario has it: the tables [[filter]], [[driver]], [[device]], [registry] and [files].
struct BatteryFilters {
  std::string tables;
  std::string tables_twice;  ///< each filter a second time under another name
};
/// Of images named on a command line, in DumpFilters order; ordinary drivers start with the boot. A single filter may
/// be another service than its file's name says.
Result<BatteryFilters> battery_filters(const std::vector<std::filesystem::path>& filters,
                                       const std::vector<std::filesystem::path>& drivers, std::string_view name = {});
/// Of a scenario that has them with their parameters; its paths are made absolute. Fails as the scenario's parse does.
Result<BatteryFilters> battery_filters(const std::filesystem::path& scenario);
/// The same with `image` in the place of the scenario's filter that is called `name`, or of its only one.
Result<BatteryFilters> battery_filters(const std::filesystem::path& scenario, const std::filesystem::path& image,
                                       const std::string& name);

/// For filters of a partly protected partition that can be told where protection ends.
struct Boundary {
  scenario::BoundedTables tables;
  bool reads = false;  ///< some filter of the crash stack has a DumpRead
};
/// The group of the cases in which it moves: through every sector of a write, and to both sides of the dump file.
inline constexpr std::string_view boundary_group = "boundary";
/// `parameter` is a REG_QWORD in Services\NAME\Parameters of every filter: bytes from the start of the partition. Fails
/// when a crash shows that nobody reads it: then the cases would say nothing. Fails as a run does.
Result<Boundary> find_boundary(const BatteryFilters& filters, std::string parameter, const RunOptions& options);

/// In the order of their groups. The neighbour that fails is the image "failing" of the filter path. `reads`: some
/// filter has a DumpRead; where none has, a resume is the boot loader's alone. `boundary`: with that group.
std::vector<BatteryCase> battery(const BatteryFilters& filters, bool reads, const Boundary* boundary = nullptr);
/// Finds out whether some filter has a DumpRead, by a hibernation. Fails as a run does.
Result<bool> reads_back(const BatteryFilters& filters, const RunOptions& options);

/// A run of calls of one callback, as the trace has it.
struct CalledOnce {
  std::string filter;
  trace::Callback callback{};
  std::int32_t status = 0;
  std::uint64_t count = 0;
  friend bool operator==(const CalledOnce&, const CalledOnce&) = default;
};

/// What is kept of a case that was run.
struct Trial {
  std::size_t which = 0;  ///< in the battery
  scenario::Outcome outcome{};
  std::string outcome_detail, evidence;
  scenario::Recovered recovered{};
  std::string recovered_detail;
  std::optional<std::uint64_t> readable_sectors;
  std::uint64_t memory_sectors = 0;
  std::vector<Finding> findings;
  std::vector<std::string> mismatches, policies, disabled;
  bool stopped = false;  ///< by itself, where it may
  std::vector<CalledOnce> calls;
  std::vector<std::string> values_asked;  ///< of the registry, key and name, each once
  std::uint64_t disk_digest = 0;          ///< of what the disk holds in the end, and where
  bool as_expected() const { return mismatches.empty(); }
};

/// Runs every case in one warm host, in order. `done` is told after each. Two things are right for a filter to do and
/// known only when it has done them: a bug check of its own where one may_stop, and a DumpStart that returns
/// STATUS_FVE_NOT_ENCRYPTED [seen: DiskCryptor]. Such a case is made to expect it and run again, so that its text says
/// what is right for this filter. Fails for a user's mistake or the host's failure; whatever else a filter does is in
/// the trials.
Result<std::vector<Trial>> try_battery(std::vector<BatteryCase>& cases, const RunOptions& options,
                                       const std::function<void(std::size_t done)>& progress);

}  // namespace dumpsim::engine
