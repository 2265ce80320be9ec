// SPDX-License-Identifier: Apache-2.0
// A scenario in the words a user writes, run as a user runs it, from inside a test. Small machines: a run of these
// takes milliseconds.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>

#include "engine/run.hpp"
#include "scenario/scenario.hpp"
#include "trace/jsonl.hpp"
#include "trace/reader.hpp"
#include "trace/text.hpp"

namespace dumpsim::engine {

class ScratchFolder {
 public:
  ScratchFolder() {
    std::string name = ::testing::TempDir() + "dumpsim-engine-XXXXXX";
    if (mkdtemp(name.data()) != nullptr) path_ = name;
    EXPECT_FALSE(path_.empty());
  }
  ~ScratchFolder() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }
  bool empty() const { return std::filesystem::is_empty(path_); }

 private:
  std::filesystem::path path_;
};

inline RunOptions with_filters() {
  return {.filter_path = {DUMPSIM_FILTERS, DUMPSIM_BAD_FILTERS}};
}

/// A machine of 256 KiB and what `text` says. Throws what the parser says of a mistake.
inline scenario::Scenario scenario_of(std::string_view text, const std::filesystem::path& file = "test.toml") {
  std::string whole(text);
  if (whole.find("memory") == std::string::npos) whole += "\n[system.memory]\nsize = \"256 KiB\"\n";
  auto parsed = scenario::parse(whole, file);
  if (!parsed) throw std::runtime_error(parsed.error().message);
  return *std::move(parsed);
}

/// Runs it; a mistake of the scenario fails the test.
inline Report run_of(const scenario::Scenario& scenario, RunOptions options = with_filters()) {
  auto report = run(scenario, options);
  if (!report) throw std::runtime_error(report.error().message);
  return *std::move(report);
}
inline Report run_of(std::string_view text, RunOptions options = with_filters()) {
  return run_of(scenario_of(text), std::move(options));
}

/// What run() refuses it with; empty when it does not.
inline std::string mistake_of(const scenario::Scenario& scenario, const RunOptions& options = with_filters()) {
  auto report = run(scenario, options);
  return report ? std::string{} : report.error().message;
}

inline trace::TraceView view_of(const Report& report) {
  auto view = trace::TraceView::open(report.trace.bytes());
  if (!view) throw std::runtime_error(view.error().message);
  return *std::move(view);
}

}  // namespace dumpsim::engine
