// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>

#include "report/job.hpp"

namespace dumpsim::report {
namespace {

constexpr std::array rows = {
    FormatRow{"junit", "JUnit XML: a test suite a scenario, for Jenkins, GitLab and GitHub's test reporters", to_junit},
    FormatRow{"sarif", "SARIF 2.1.0: a result a finding, with the callbacks that led there, for code scanning",
              to_sarif},
    FormatRow{"json", "JSON: everything, by docs/report.schema.json", to_json},
    FormatRow{"github", "GitHub's workflow commands: annotations beside the lines of a pull request", to_github},
};

}  // namespace

std::span<const FormatRow> all_formats() {
  return rows;
}

const FormatRow* find_format(std::string_view name) {
  const auto found = std::find_if(rows.begin(), rows.end(), [&](const FormatRow& row) { return row.name == name; });
  return found == rows.end() ? nullptr : &*found;
}

}  // namespace dumpsim::report
