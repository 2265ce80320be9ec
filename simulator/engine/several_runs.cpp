// SPDX-License-Identifier: Apache-2.0
// How often a scenario is run, and which of the runs is told: once, so many times that they can be compared
// (verify.repeat), under every shape of MDL (verify.mdl_shape).
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <iterator>
#include <span>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "disk/layout.hpp"
#include "engine/run_once.hpp"
#include "policy/policy.hpp"

namespace dumpsim::engine {
namespace {

using scenario::Scenario;

constexpr std::string_view keep_key = "files.keep";

/// Nothing is begun that could only end in refusing to overwrite a file.
Result<void> outputs_are_clear(const Scenario& scenario, const RunOptions& options) {
  if (options.replace) return {};
  for (const auto& [key, path] : outputs_of(scenario)) {
    std::error_code ignored;
    if (!std::filesystem::exists(path, ignored)) continue;
    if (key != keep_key) {
      return in_file(scenario,
                     {fmt::format("{} exists already; nothing was written (--replace lets it go)", path.string())});
    }
    if (!std::filesystem::is_empty(path, ignored)) {
      return in_file(scenario,
                     {fmt::format("{}: {} is there and not empty; nothing was written (--replace writes into it)", key,
                                  path.string())});
    }
  }
  return {};
}

bool leaves_files(const Scenario& scenario) {
  return !outputs_of(scenario).empty();
}

Scenario without_files(Scenario scenario) {
  scenario.disk.path.clear();
  scenario.recover.output.clear();
  scenario.files.keep.clear();
  return scenario;
}

/// The scenario without what it leaves behind, or asks.
Scenario rehearsal_of(const Scenario& scenario) {
  Scenario rehearsal = without_files(scenario);
  rehearsal.verify.every_write = false;
  rehearsal.recover.via = scenario::Recover::Via::none;
  return rehearsal;
}

Result<Report> run_repeatedly(WarmHost& host, const Scenario& scenario, const RunOptions& options) {
  if (scenario.verify.repeat <= 1) return run_once(host, scenario, options, {});
  const Scenario rehearsal = rehearsal_of(scenario);
  std::vector<Rehearsal> rehearsals;
  while (rehearsals.size() + 1 < scenario.verify.repeat) {
    auto done = rehearse(host, rehearsal, options);
    if (!done) return done.error();
    rehearsals.push_back(std::move(*done));
  }
  return run_once(host, scenario, options, std::move(rehearsals));
}

/// With every write's MDL in this shape, whatever the policies say.
Scenario in_shape(Scenario scenario, std::uint64_t shape) {
  for (const policy::Policy one : {policy::Policy::crash_mdl, policy::Policy::hibernation_mdl})
    scenario.policies.set(one, {shape});
  return scenario;
}

/// What a person counts as one.
bool same_place(const Finding& a, const Finding& b) {
  return a.rule == b.rule && a.filter == b.filter && a.callback == b.callback && a.site == b.site;
}

/// The runs under each shape, of which one is told: the first that is not as expected, else the last. What the runs
/// before it found (warnings, what is declared or known) is told with it, or a baseline would never hear of it.
class AllShapes {
 public:
  AllShapes(WarmHost& host, const Scenario& scenario, const RunOptions& options)
      : host_(host), scenario_(scenario), options_(options), given_(options.identify) {
    options_.identify = [this](Report& report) { identify(report); };
  }

  Result<Report> run() {
    for (shape_ = 0;; ++shape_) {
      const bool last = shape_ + 1 == shapes_.size();
      const Scenario one = in_shape(scenario_, shape_);
      auto report = run_repeatedly(host_, last ? one : without_files(one), options_);
      if (!report) return report;
      if (report->as_expected()) {
        if (last) {
          report->verified.push_back(fmt::format("as expected under each of {} shapes of MDL", shapes_.size()));
          return report;
        }
        before_ = std::move(report->findings);
        for (Finding& finding : before_) {
          if (finding.mdl_shape.empty()) finding.mdl_shape = shapes_[shape_];
        }
        continue;
      }
      if (!last && leaves_files(scenario_)) report = once_more_for_its_files(one, *std::move(report));
      if (report) report->mdl_shape = shapes_[shape_];
      return report;
    }
  }

 private:
  /// Its files are what somebody wants to look at now, and nobody knew before that they would be these.
  Result<Report> once_more_for_its_files(const Scenario& one, Report first) {
    auto again = run_repeatedly(host_, one, options_);
    if (!again || !again->as_expected()) return again;
    first.mismatches.push_back(fmt::format(
        "verify.mdl_shape: run again under \"{}\" for its files, it is as expected: what the filters do differs from "
        "run to run (verify.repeat says where), and the files are the second run's",
        shapes_[shape_]));
    return first;
  }

  /// Before the run is judged, so that a finding has the same name under whichever shape it is met.
  void identify(Report& report) const {
    std::vector<Finding> all;
    for (const Finding& earlier : before_) {
      if (std::ranges::none_of(report.findings, [&](const Finding& now) { return same_place(earlier, now); }))
        all.push_back(earlier);
    }
    std::ranges::move(report.findings, std::back_inserter(all));
    std::ranges::stable_sort(all, std::ranges::greater{}, &Finding::severity);
    report.findings = std::move(all);
    if (given_) given_(report);
  }

  WarmHost& host_;
  const Scenario& scenario_;
  RunOptions options_;
  std::function<void(Report&)> given_;
  const std::span<const std::string_view> shapes_ = policy::row_of(policy::Policy::crash_mdl).words;
  std::uint64_t shape_ = 0;
  std::vector<Finding> before_;  // of the runs that are passed over
};

Result<Report> run_in(WarmHost& host, const Scenario& scenario, const RunOptions& options) {
  using Shapes = scenario::Verify::MdlShapes;
  // Once, before the first run: only one of them makes the outputs, and it may be the last.
  if (auto clear = outputs_are_clear(scenario, options); !clear) return clear.error();
  if (scenario.verify.mdl_shapes == Shapes::all) return AllShapes(host, scenario, options).run();
  if (scenario.verify.mdl_shapes == Shapes::one)
    return run_repeatedly(host, in_shape(scenario, scenario.verify.mdl_shape), options);
  return run_repeatedly(host, scenario, options);
}

}  // namespace

Result<Report> run(const Scenario& scenario, const RunOptions& options) {
  WarmHost alone;
  return run_in(alone, scenario, options);
}

Result<Report> WarmHost::run(const Scenario& scenario, const RunOptions& options) {
  if (options.sandbox) return run_in(*this, scenario, options);
  let_go_of_memory();
  return engine::run(scenario, options);
}

std::vector<Output> outputs_of(const Scenario& scenario) {
  std::vector<Output> outputs;
  const auto add = [&](std::string_view key, const std::filesystem::path& path) {
    if (!path.empty()) outputs.push_back({key, path});
  };
  add("recover.output", scenario.recover.output);
  add("disk.path", scenario.disk.path);
  if (!scenario.disk.path.empty()) add("the layout beside disk.path", disk::layout_path(scenario.disk.path));
  add(keep_key, scenario.files.keep);
  return outputs;
}

}  // namespace dumpsim::engine
