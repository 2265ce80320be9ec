// SPDX-License-Identifier: Apache-2.0
// The findings that are known: a file that lies in the repository beside the filters, so that a job fails on new ones
// only. Sorted, a finding a line, so that a change of it reads as what it is.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "report/entry.hpp"

namespace dumpsim::report {

struct KnownFinding {
  std::string rule, filter, callback, function, source;
  std::vector<std::string> scenarios;  ///< those that showed it, sorted; paths in the repository
};

/// By fingerprint.
using Baseline = std::map<std::string, KnownFinding>;

/// The findings of runs that no scenario declares.
Baseline baseline_of(std::span<const Entry> entries);

std::string to_text(const Baseline& baseline);
/// Fails naming `file` and what is wrong with it: no JSON, no baseline, a version that is not known, a damaged entry.
Result<Baseline> parse_baseline(std::string_view text, std::string_view file);

/// What a job's runs came to beside a baseline.
struct BaselineAccount {
  std::size_t known = 0;          ///< fingerprints that were found and are in it
  std::size_t added = 0;          ///< that were found and are not
  std::vector<std::string> gone;  ///< in words: in it and not found, though all their scenarios were run
};
BaselineAccount account_of(const Baseline& baseline, std::span<const Entry> entries);

}  // namespace dumpsim::report
