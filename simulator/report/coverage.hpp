// SPDX-License-Identifier: Apache-2.0
// How much of the contract between Windows and a dump filter a set of runs has touched. What counts as exercised is
// written down in docs/ci.md, and the same for everybody: no run in which no filter was called counts at all.
#pragma once

#include <cstddef>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "engine/run.hpp"
#include "scenario/scenario.hpp"

namespace dumpsim::report {

/// "rules: pool.leak", "policies: read-order = reverse": what one run exercised, in no order that matters.
std::vector<std::string> exercised_by(const scenario::Scenario& scenario, const engine::Report& report);

struct CoverageRow {
  std::string dimension;  ///< "rules"
  std::size_t exercised = 0;
  std::size_t of = 0;
  std::vector<std::string> missing;  ///< items, in the order of their table
};

struct Coverage {
  std::vector<CoverageRow> rows;
  std::size_t exercised = 0;
  std::size_t of = 0;

  /// Tenths of a percent, rounded down: 1000 only when nothing is missing.
  static std::size_t tenths(std::size_t exercised, std::size_t of);
  bool reaches(double percent) const;
};

/// Over everything that may be exercised, of which `exercised` were.
Coverage coverage_of(const std::set<std::string>& exercised);

/// `{"coverage":{…}}` on one line, ending in a newline.
std::string to_json(const Coverage& coverage);

/// A line a dimension and the total; with `missing` also what was not exercised.
std::string to_text(const Coverage& coverage, bool missing);

}  // namespace dumpsim::report
