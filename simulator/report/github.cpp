// SPDX-License-Identifier: Apache-2.0
// GitHub's workflow commands: lines on a job's output that GitHub shows beside the code. What a scenario declares and
// what the baseline knows is not worth an annotation. Errors come first, since GitHub shows the first ten of a step.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "report/job.hpp"

namespace dumpsim::report {
namespace {

std::string escaped(std::string_view text, bool property) {
  std::string out;
  for (const char c : text) {
    if (c == '%' || c == '\r' || c == '\n' || (property && (c == ':' || c == ','))) {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    } else {
      out += c;
    }
  }
  return out;
}

struct Annotation {
  std::string_view level;
  std::string file;
  std::uint32_t line = 1;
  std::string title;
  std::string message;
};

/// A path outside the repository is no file of a pull request.
std::string to_line(const Annotation& annotation) {
  std::string place;
  if (!annotation.file.starts_with('/'))
    place = fmt::format("file={},line={},", escaped(annotation.file, true), annotation.line);
  return fmt::format("::{} {}title={}::{}\n", annotation.level, place, escaped(annotation.title, true),
                     escaped(annotation.message, false));
}

Annotation of_finding(const Entry& entry, const Found& found) {
  // A source outside the repository cannot carry one either; its scenario can.
  const bool at_source = !found.source.empty() && !found.source.starts_with('/');
  Annotation one{.level = is_grave(found.severity) ? std::string_view(found.severity) : "notice",
                 .file = at_source ? found.source : entry.path,
                 .line = at_source ? std::max(found.line, 1u) : 1,
                 .title = found.rule};
  one.message = found.who + found.times;
  if (!found.mdl_shape.empty()) one.message += fmt::format("\nin an earlier run, under MDL shape {}", found.mdl_shape);
  if (!found.source.empty()) one.message += fmt::format("\nat {}:{}", found.source, found.line);
  if (!found.function.empty())
    one.message += fmt::format("{}in {}", found.source.empty() ? "\n" : ", ", found.function);
  one.message += "\n" + found.detail;
  for (const std::string& bytes : found.bytes) one.message += "\n" + bytes;
  if (const auto rule = trace::find_rule(found.rule)) {
    const trace::RuleRow& row = trace::row_of(*rule);
    one.message += fmt::format("\n{}\nhint: {}", row.summary, row.hint);
  }
  one.message += fmt::format("\nrepeat with: {}", entry.command);
  return one;
}

}  // namespace

std::string to_github(const Job& job) {
  std::vector<Annotation> all;
  for (const Entry& entry : job.entries) {
    if (!entry.error.empty()) {
      all.push_back({.level = "error",
                     .file = entry.path,
                     .line = entry.line,
                     .title = entry.verdict == Entry::Verdict::mistake ? "scenario cannot be run" : "dumpsim failed",
                     .message = entry.error});
    }
    if (!entry.other_mismatches.empty()) {
      all.push_back(
          {.level = "error",
           .file = entry.path,
           .title = "not as expected",
           .message = fmt::format("{}\nrepeat with: {}", fmt::join(entry.other_mismatches, "\n"), entry.command)});
    }
    for (const Found& found : entry.findings) {
      if (!found.declared && !found.known) all.push_back(of_finding(entry, found));
    }
  }
  std::string text;
  for (const std::string_view level : {"error", "warning", "notice"}) {
    for (const Annotation& each : all) text += each.level == level ? to_line(each) : "";
  }
  return text;
}

}  // namespace dumpsim::report
