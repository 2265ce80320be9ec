// SPDX-License-Identifier: Apache-2.0
// What a failing unit test of a filter prints: short text that a driver author can act upon, in the words of the
// program's own report.
#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "base/text.hpp"
#include "dumpsim/dumpsim.hpp"
#include "trace/event_table.hpp"
#include "trace/record.hpp"
#include "trace/rules.hpp"
#include "trace/statuses.hpp"

namespace dumpsim::api {
namespace {

constexpr std::size_t most_bytes_shown = 16;
constexpr std::size_t most_lines_shown = 12;

std::string times(std::uint64_t count) {
  return count > 1 ? fmt::format(" ×{}", with_thousands(count)) : std::string();
}

/// "one, two and three" has no place for names of functions: "one, two, three".
std::string listed(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

void add_violations(std::string& text, const std::vector<Violation>& violations) {
  for (std::size_t i = 0; i < violations.size(); ++i) {
    if (i == most_lines_shown) {
      text += fmt::format("\n  … {} more violations", violations.size() - i);
      break;
    }
    text += "\n  " + describe(violations[i]);
  }
}

}  // namespace

std::vector<std::string> changes() {
  std::vector<std::string> words;
  for (const trace::ChangeName& name : trace::all_changes()) words.emplace_back(name.word);
  return words;
}

std::string status_text(std::int32_t status) {
  return trace::format_status(status);
}

void require_rule(const std::string& rule) {
  if (trace::find_rule(rule)) return;
  std::vector<std::string_view> slugs;
  for (const trace::RuleRow& row : trace::all_rules()) slugs.push_back(row.slug);
  throw UsageError(fmt::format("no rule is called \"{}\"{}", rule, did_you_mean(rule, slugs)));
}

void require_callback(const std::string& callback) {
  std::vector<std::string_view> names;
  for (std::size_t i = 1; i < static_cast<std::size_t>(trace::Callback::count_); ++i) {
    names.push_back(trace::name_of(static_cast<trace::Callback>(i)));
  }
  if (std::find(names.begin(), names.end(), callback) != names.end()) return;
  throw UsageError(fmt::format("no callback is called \"{}\"{}", callback, did_you_mean(callback, names)));
}

std::string describe(const Violation& violation) {
  std::string text = fmt::format("{} {}", violation.severity, violation.rule);
  if (!violation.filter.empty()) text += " in " + violation.filter;
  if (!violation.filter.empty() && !violation.callback.empty()) text += "'s " + violation.callback;
  text += times(violation.count) + ": " + violation.detail;
  if (!violation.hint.empty()) text += "\n    " + violation.hint;
  return text;
}

std::string describe(const Call& call) {
  std::string text = fmt::format("{} of {}{}", call.callback, call.filter, times(call.count));
  if (call.status != 0) text += " -> " + status_text(call.status);
  return text;
}

std::string describe(const Transfer& transfer) {
  std::string text = fmt::format("{} at partition offset {:#x}, ", status_text(transfer.status), transfer.offset);
  if (!transfer.reached) return text + "nothing got through";
  if (transfer.port_status < 0) text += fmt::format("the port failed with {}, ", status_text(transfer.port_status));
  text += fmt::format("{} bytes (", with_thousands(transfer.data.size()));
  for (std::size_t i = 0; i < std::min(most_bytes_shown, transfer.data.size()); ++i) {
    text += fmt::format("{}{:02x}", i == 0 ? "" : " ", static_cast<unsigned>(transfer.data[i]));
  }
  text += transfer.data.size() > most_bytes_shown ? " …)" : ")";
  text += transfer.changed.empty() ? ", nothing changed on the way" : ", changed: " + listed(transfer.changed);
  if (!transfer.source_untouched) text += "; the original pages were written to";
  return text;
}

std::string describe(const Run& run) {
  std::string text = run.outcome;
  if (!run.outcome_detail.empty()) text += ": " + run.outcome_detail;
  text += "; recovered " + run.recovered;
  if (!run.recovered_detail.empty()) text += fmt::format(" ({})", run.recovered_detail);
  if (run.readable_sectors_counted) {
    text += fmt::format("; {} sectors readable on the disk", with_thousands(run.readable_sectors));
  }
  text += fmt::format("; {} writes", with_thousands(run.writes));
  if (run.redirected != 0) text += fmt::format(", {} sent elsewhere", with_thousands(run.redirected));
  if (!run.disabled.empty()) text += fmt::format("\n  disabled: {}", listed(run.disabled));
  text += "\n  calls:";
  for (std::size_t i = 0; i < run.calls.size(); ++i) {
    if (i == most_lines_shown) {
      text += fmt::format(", … {} more", run.calls.size() - i);
      break;
    }
    text += (i == 0 ? " " : ", ") + describe(run.calls[i]);
  }
  if (run.calls.empty()) text += " none";
  add_violations(text, run.violations);
  if (run.violations.empty()) text += "\n  no violations";
  return text;
}

std::string describe(const Stack& stack) {
  const std::string ended = stack.ended();
  const std::vector<Violation> violations = stack.violations();
  std::string text =
      ended.empty() ? std::string("a dump stack that runs") : "a dump stack that a filter ended: " + ended;
  add_violations(text, violations);
  if (violations.empty()) text += "\n  no violations";
  return text;
}

}  // namespace dumpsim::api
