// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>

#include "report/job.hpp"

namespace dumpsim::report {
namespace {

constexpr std::array rows = {
    FormatRow{"junit", to_junit},
    FormatRow{"sarif", to_sarif},
    FormatRow{"json", to_json},
    FormatRow{"github", to_github},
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
