// SPDX-License-Identifier: Apache-2.0
#include "cli/run_reports.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <set>
#include <span>
#include <system_error>
#include <utility>

#include "base/text.hpp"
#include "cli/command.hpp"
#include "cli/version.hpp"
#include "report/coverage.hpp"
#include "report/fingerprint.hpp"
#include "trace/utf8.hpp"

namespace dumpsim::cli {
namespace {

constexpr std::uint64_t largest_baseline = 16u << 20;

/// The folder above `here` that a version control system calls the top; without one `here`.
std::filesystem::path top_above(const std::filesystem::path& here) {
  std::error_code ignored;
  for (std::filesystem::path at = here; !at.empty(); at = at.parent_path()) {
    if (std::filesystem::exists(at / ".git", ignored)) return at;
    if (at == at.root_path()) break;
  }
  return here;
}

report::Places find_places() {
  std::error_code ignored;
  const std::filesystem::path here = std::filesystem::current_path(ignored);
  report::Places places{.root = top_above(here), .here = here};
  const char* const shells = std::getenv("PWD");
  if (shells == nullptr || *shells != '/' || here == shells) return places;
  if (std::filesystem::equivalent(shells, here, ignored)) places.also_root = top_above(shells);
  return places;
}

Result<void> write(NewFile& file, const std::string& text) {
  if (auto written = file.fill(text); !written) return written;
  return file.commit();
}

}  // namespace

Result<void> RunReports::prepare(const ReportOptions& options, std::string_view command_line) {
  options_ = options;
  places_ = find_places();
  job_.version = version;
  job_.command_line = trace::valid_utf8(command_line);
  wanted_ = !options.reports.empty() || !options.baseline.empty() || !options.write_baseline.empty() ||
            options.coverage || options.min_coverage.has_value();
  if (!options.baseline.empty()) {
    auto text = read_text(options.baseline, largest_baseline);
    if (!text) return text.error();
    auto baseline = report::parse_baseline(*text, options.baseline.string());
    if (!baseline) return baseline.error();
    baseline_ = *std::move(baseline);
  }
  for (const std::string& word : options.reports) {
    if (auto taken = take(word); !taken) return taken;
  }
  if (!options.write_baseline.empty()) {
    auto made = NewFile::create(options.write_baseline, options.replace);
    if (!made) return made.error();
    new_baseline_ = *std::move(made);
  }
  return {};
}

Result<void> RunReports::take(const std::string& word) {
  const std::size_t equals = word.find('=');
  const std::string name = word.substr(0, equals);
  const std::string path = equals == std::string::npos ? "-" : word.substr(equals + 1);
  const report::FormatRow* format = report::find_format(name);
  if (format == nullptr) {
    std::vector<std::string_view> names;
    for (const report::FormatRow& row : report::all_formats()) names.push_back(row.name);
    return Error{fmt::format("--report {}: unknown format \"{}\"; expected one of {}{}", word, name,
                             fmt::join(names, ", "), did_you_mean(name, names))};
  }
  if (path.empty()) return Error{fmt::format("--report {}: no file behind the \"=\"", word)};
  if (path == "-") {
    if (own_output_) return Error{fmt::format("--report {}: standard output has a report already", word)};
    own_output_ = true;
    outputs_.push_back({.format = format, .path = path, .file = {}});
    return {};
  }
  auto made = NewFile::create(path, options_.replace);
  if (!made) return made.error();
  outputs_.push_back({.format = format, .path = path, .file = *std::move(made)});
  return {};
}

std::function<void(engine::Report&)> RunReports::identify() const {
  return [this](engine::Report& report) {
    const std::vector<std::string> names = report::fingerprints(report, places_);
    for (std::size_t i = 0; i < names.size(); ++i) {
      engine::Finding& finding = report.findings[i];
      finding.fingerprint = names[i];
      // What is being written down is known from here on.
      finding.known = !options_.write_baseline.empty() || (baseline_ && baseline_->contains(names[i]));
    }
  };
}

void RunReports::add(report::Entry entry) {
  for (report::Found& found : entry.findings) found.in_baseline = baseline_ && baseline_->contains(found.fingerprint);
  job_.entries.push_back(std::move(entry));
}

int RunReports::finish(int exit_code) {
  if (!wanted_) return exit_code;
  std::set<std::string> exercised;
  for (const report::Entry& entry : job_.entries) exercised.insert(entry.exercised.begin(), entry.exercised.end());
  job_.coverage = report::coverage_of(exercised);
  if (baseline_) job_.baseline = report::account_of(*baseline_, job_.entries);
  tell_baseline();
  exit_code = tell_coverage(exit_code);
  exit_code = write_baseline(exit_code);
  job_.exit_code = exit_code;
  for (Output& output : outputs_) {
    const std::string text = output.format->write(job_);
    if (!output.file) {
      std::cout << text << std::flush;
    } else if (auto written = write(*output.file, text); !written) {
      complain(written.error().message);
      exit_code = std::max(exit_code, exit_code_of(written.error()));
    }
  }
  return exit_code;
}

void RunReports::tell_baseline() const {
  if (!job_.baseline) return;
  for (const std::string& gone : job_.baseline->gone) {
    complain(fmt::format("{}: no longer found: {}", options_.baseline.string(), gone));
  }
}

int RunReports::tell_coverage(int exit_code) const {
  if (options_.coverage) {
    std::ostream& stream = own_output_ ? std::cerr : std::cout;
    stream << (options_.json ? report::to_json(job_.coverage) : report::to_text(job_.coverage, true)) << std::flush;
  }
  if (!options_.min_coverage || job_.coverage.reaches(*options_.min_coverage)) return exit_code;
  const std::size_t tenths = report::Coverage::tenths(job_.coverage.exercised, job_.coverage.of);
  complain(fmt::format("coverage is {}.{} %, less than --min-coverage {}", tenths / 10, tenths % 10,
                       *options_.min_coverage));
  if (!options_.coverage) std::cerr << report::to_text(job_.coverage, true) << std::flush;
  return std::max<int>(exit_code, not_as_expected);
}

int RunReports::write_baseline(int exit_code) {
  if (!new_baseline_) return exit_code;
  const bool all_ran =
      std::all_of(job_.entries.begin(), job_.entries.end(), [](const report::Entry& entry) { return entry.ran(); });
  if (!all_ran) {
    complain(fmt::format("{}: not written, since not every scenario could be run", options_.write_baseline.string()));
    return exit_code;
  }
  if (auto written = write(*new_baseline_, report::to_text(report::baseline_of(job_.entries))); !written) {
    complain(written.error().message);
    return std::max(exit_code, exit_code_of(written.error()));
  }
  return exit_code;
}

}  // namespace dumpsim::cli
