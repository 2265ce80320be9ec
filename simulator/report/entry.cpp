// SPDX-License-Identifier: Apache-2.0
#include "report/entry.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "report/coverage.hpp"
#include "report/run_report.hpp"
#include "report/words.hpp"
#include "trace/reader.hpp"
#include "trace/utf8.hpp"

namespace dumpsim::report {

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Step, words, depth)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Found, rule, severity, filter, callback, who, count, times, detail, bytes, mdl_shape,
                                   function, source, line, fingerprint, declared, known, in_baseline, history)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Entry, verdict, path, command, seed, error, line, text, json, mismatches,
                                   other_mismatches, findings, exercised)

std::string_view name_of(Entry::Verdict verdict) {
  constexpr std::array<std::string_view, 4> names = {"as-expected", "not-as-expected", "mistake", "host-failure"};
  return names.at(static_cast<std::size_t>(verdict));
}

std::string seed_of(const scenario::Scenario& scenario) {
  std::string text = fmt::format("memory {}, dump file {}", scenario.system.memory.seed, scenario.dump.file.seed);
  if (scenario.hibernation.file.size != 0) text += fmt::format(", hibernation file {}", scenario.hibernation.file.seed);
  if (scenario.dump.kind != scenario::DumpKind::none && scenario.dump.kind != scenario::DumpKind::complete)
    text += fmt::format(", dumped pages {}", scenario.dump.share_seed);
  return text;
}

Entry entry_of(const scenario::Scenario& scenario, const engine::Report& report, const Places& places) {
  Entry entry{.verdict = report.as_expected() ? Entry::Verdict::as_expected : Entry::Verdict::not_as_expected,
              .path = trace::valid_utf8(places.of_argument(report.file)),
              .seed = seed_of(scenario),
              .text = trace::valid_utf8(to_text(report, {.colour = false, .trace = false})),
              .json = to_json(report, -1, &places),
              .exercised = exercised_by(scenario, report)};
  for (const std::string& mismatch : report.mismatches) entry.mismatches.push_back(trace::valid_utf8(mismatch));
  std::vector<std::string> of_findings;
  const auto view = trace::TraceView::open(report.trace.bytes());
  for (std::size_t i = 0; i < report.findings.size(); ++i) {
    const engine::Finding& finding = report.findings[i];
    if (finding.fails()) of_findings.push_back(trace::valid_utf8(engine::mismatch_of(finding)));
    entry.findings.push_back({.rule = std::string(trace::row_of(finding.rule).slug),
                              .severity = std::string(trace::name_of(finding.severity)),
                              .filter = trace::valid_utf8(finding.filter),
                              .callback = std::string(trace::name_of(finding.callback)),
                              .who = trace::valid_utf8(engine::who(finding)),
                              .count = finding.count,
                              .times = times_of(finding),
                              .detail = trace::valid_utf8(finding.detail),
                              .bytes = rows_of(finding.bytes),
                              .mdl_shape = finding.mdl_shape,
                              .function = trace::valid_utf8(finding.function),
                              .source = trace::valid_utf8(places.of_source(finding.source)),
                              .line = finding.line,
                              .fingerprint = finding.fingerprint,
                              .declared = finding.declared,
                              .known = finding.known,
                              .history = view ? history_of(*view, report.findings, i) : std::vector<Step>{}});
  }
  for (const std::string& mismatch : entry.mismatches) {
    if (std::find(of_findings.begin(), of_findings.end(), mismatch) == of_findings.end())
      entry.other_mismatches.push_back(mismatch);
  }
  return entry;
}

namespace {

/// Mistakes begin with "FILE:LINE:COLUMN: ", where they have a place.
std::uint32_t line_of(std::string_view error, const std::string& file) {
  if (!error.starts_with(file + ":")) return 1;
  std::uint32_t line = 0;
  for (const char c : error.substr(file.size() + 1)) {
    if (c == ':') return std::max(line, 1u);
    if (c < '0' || c > '9' || line > 99'999'999) return 1;
    line = line * 10 + static_cast<std::uint32_t>(c - '0');
  }
  return 1;
}

}  // namespace

Entry failed_entry(const std::filesystem::path& file, std::string_view error, bool host, const Places& places) {
  return {.verdict = host ? Entry::Verdict::host_failure : Entry::Verdict::mistake,
          .path = trace::valid_utf8(places.of_argument(file)),
          .error = trace::valid_utf8(error),
          .line = line_of(error, file.string())};
}

std::string pack(const Entry& entry) {
  using Json = nlohmann::json;
  return Json(entry).dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<Entry> unpack(std::string_view text) {
  try {
    return nlohmann::json::parse(text).get<Entry>();
  } catch (const nlohmann::json::exception& error) {
    return Error{.message = fmt::format("a worker's result cannot be read: {}", error.what()), .host = true};
  }
}

}  // namespace dumpsim::report
