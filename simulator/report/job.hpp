// SPDX-License-Identifier: Apache-2.0
// Everything that one `dumpsim run` came to: what each report format is made from.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "report/baseline.hpp"
#include "report/coverage.hpp"
#include "report/entry.hpp"

namespace dumpsim::report {

struct Job {
  std::string version;       ///< of this program
  std::string command_line;  ///< that ran the job
  int exit_code = 0;
  std::vector<Entry> entries;  ///< in the order of the files
  Coverage coverage;
  std::optional<BaselineAccount> baseline;  ///< absent without --baseline
};

/// A format is a function of a job; adding one is a file, a row of all_formats() and a golden file.
struct FormatRow {
  std::string_view name;  ///< "junit"
  std::string (*write)(const Job& job);
};
std::span<const FormatRow> all_formats();
const FormatRow* find_format(std::string_view name);

std::string to_junit(const Job& job);
std::string to_sarif(const Job& job);
std::string to_github(const Job& job);
std::string to_json(const Job& job);

}  // namespace dumpsim::report
