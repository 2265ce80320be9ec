// SPDX-License-Identifier: Apache-2.0
// What one scenario came to, as every report needs it: apart from its trace, in words, with its place in the
// repository. It travels from the worker that ran the scenario to the process that writes the reports.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "engine/run.hpp"
#include "report/history.hpp"
#include "report/places.hpp"
#include "scenario/scenario.hpp"
#include "trace/rules.hpp"

namespace dumpsim::report {

/// A finding as reports tell it. All texts are valid UTF-8.
struct Found {
  std::string rule;      ///< its slug
  std::string severity;  ///< "error"
  std::string filter;
  std::string callback;
  std::string who;  ///< both in words: "dump_xor in DumpWrite"
  std::uint64_t count = 0;
  std::string times;  ///< ", 17 times, first in call 3: 64 KiB at 0xe000"
  std::string detail;
  std::vector<std::string> bytes;  ///< before and after, in lines
  std::string mdl_shape;           ///< under which an earlier run met it; empty: this one
  std::string function;
  std::string source;  ///< in the repository; empty when not known
  std::uint32_t line = 0;
  std::string fingerprint;
  bool declared = false;
  bool known = false;
  bool in_baseline = false;  ///< in the one that was given; `known` may also be what is being written down
  std::vector<Step> history;

  bool operator==(const Found&) const = default;
};

/// Errors and warnings are called the same in every format; what is milder is not.
inline bool is_grave(std::string_view severity) {
  return severity == "error" || severity == "warning";
}

struct Entry {
  enum class Verdict : std::uint8_t { as_expected, not_as_expected, mistake, host_failure };
  Verdict verdict = Verdict::as_expected;
  std::string path;        ///< of the scenario, in the repository
  std::string command;     ///< repeats the run
  std::string seed;        ///< what its random choices began with
  std::string error;       ///< why it was not run: a mistake in it, or the host's failure
  std::uint32_t line = 1;  ///< of the scenario, that the mistake is in
  std::string text;        ///< as `dumpsim run --trace none` shows it
  std::string json;        ///< as `dumpsim run --json` shows it, on one line
  std::vector<std::string> mismatches;
  std::vector<std::string> other_mismatches;  ///< those that are no finding's
  std::vector<Found> findings;
  std::vector<std::string> exercised;  ///< of the contract (coverage.hpp)

  bool ran() const { return verdict == Verdict::as_expected || verdict == Verdict::not_as_expected; }
  bool operator==(const Entry&) const = default;
};
std::string_view name_of(Entry::Verdict verdict);  ///< "not-as-expected"

Entry entry_of(const scenario::Scenario& scenario, const engine::Report& report, const Places& places);
/// Of a scenario that could not be read, or that the host failed to run.
Entry failed_entry(const std::filesystem::path& file, std::string_view error, bool host, const Places& places);

/// What begins a scenario's random choices: "memory 1, dump file 3".
std::string seed_of(const scenario::Scenario& scenario);

/// For the way from process to process. unpack() fails on what pack() has not made.
std::string pack(const Entry& entry);
Result<Entry> unpack(std::string_view text);

}  // namespace dumpsim::report
