// SPDX-License-Identifier: Apache-2.0
// What a filter battery came to, on one screen; and what two builds of a filter do differently.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "engine/battery.hpp"

namespace dumpsim::report {

struct TryOptions {
  bool colour = false;
  std::filesystem::path folder;  ///< where the scenarios were written; empty: nowhere
};

/// Whether a user has nothing to mend: every case as it should be, and no finding of error severity.
bool passes(const std::vector<engine::Trial>& trials);

/// Loads? Protects? Reads back? Survives? and the evidence, a finding once whatever the number of cases it was met in.
std::string to_text(const std::string& what, const std::vector<engine::BatteryCase>& cases,
                    const std::vector<engine::Trial>& trials, const TryOptions& options);

/// The same for programs.
std::string to_json(const std::string& what, const std::vector<engine::BatteryCase>& cases,
                    const std::vector<engine::Trial>& trials);

struct Comparison {
  std::size_t differing = 0;  ///< cases
  /// What DriverEntry came to when neither build loaded in any case, so that there was nothing to compare; else empty.
  std::string never_loaded;
  std::string text;
};
/// Case by case: outcome, statuses and order of callbacks, findings, disk. `before` and `after` are of the same cases.
Comparison compare(const std::vector<engine::BatteryCase>& cases, const std::vector<engine::Trial>& before,
                   const std::vector<engine::Trial>& after, const TryOptions& options);

}  // namespace dumpsim::report
