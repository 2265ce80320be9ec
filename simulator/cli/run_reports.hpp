// SPDX-License-Identifier: Apache-2.0
// What `dumpsim run` makes of all its scenarios together: report files, the baseline, coverage. Whatever can be wrong
// about them is found before the first scenario runs, and no file appears unless it is whole.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.hpp"
#include "base/result.hpp"
#include "engine/run.hpp"
#include "report/job.hpp"

namespace dumpsim::cli {

struct ReportOptions {
  std::vector<std::string> reports;  ///< "junit=report.xml", "github", "sarif=-"
  std::filesystem::path baseline;
  std::filesystem::path write_baseline;
  bool coverage = false;
  std::optional<double> min_coverage;
  bool json = false;  ///< coverage as JSON
  bool replace = false;
};

class RunReports {
 public:
  /// Fails naming the format or file that is wrong.
  Result<void> prepare(const ReportOptions& options, std::string_view command_line);

  /// Whether anybody asks for more than each run's own result.
  bool wanted() const { return wanted_; }
  /// Whether standard output belongs to a report, and to nothing else.
  bool own_output() const { return own_output_; }
  const report::Places& places() const { return places_; }
  /// For engine::RunOptions.
  std::function<void(engine::Report&)> identify() const;

  void add(report::Entry entry);

  /// Writes everything. `exit_code`: of the runs; what comes back is the job's.
  int finish(int exit_code);

 private:
  struct Output {
    const report::FormatRow* format = nullptr;
    std::string path;
    std::optional<NewFile> file;  // absent: standard output
  };

  Result<void> take(const std::string& word);
  void tell_baseline() const;
  int tell_coverage(int exit_code) const;
  int write_baseline(int exit_code);

  ReportOptions options_;
  report::Places places_;
  report::Job job_;
  std::vector<Output> outputs_;
  std::optional<report::Baseline> baseline_;
  std::optional<NewFile> new_baseline_;
  bool wanted_ = false;
  bool own_output_ = false;
};

}  // namespace dumpsim::cli
