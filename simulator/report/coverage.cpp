// SPDX-License-Identifier: Apache-2.0
#include "report/coverage.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "policy/policy.hpp"
#include "report/rule_topics.hpp"
#include "trace/calls.hpp"
#include "trace/reader.hpp"
#include "trace/rules.hpp"

namespace dumpsim::report {
namespace {

using policy::Policy;
using trace::Callback;

constexpr std::array filter_callbacks = {Callback::driver_entry, Callback::start,  Callback::write,
                                         Callback::read,         Callback::finish, Callback::unload};

struct Stack {
  std::string_view name;
  std::string_view prefix;  // of its filters' instances
  Policy shape;
};
constexpr std::array stacks = {Stack{"crash", "dump_", Policy::crash_mdl},
                               Stack{"hibernation", "hiber_", Policy::hibernation_mdl}};

constexpr std::array<std::string_view, 5> dimensions = {"rules", "shapes", "callbacks", "profiles", "policies"};

std::string item(std::string_view dimension, std::string_view what) {
  return fmt::format("{}: {}", dimension, what);
}
std::string shape_item(const Stack& stack, std::string_view word) {
  return item("shapes", fmt::format("{} {}", stack.name, word));
}
std::string mapped_item(std::string_view word) {
  return item("shapes", fmt::format("MappedSystemVa at {}", word));
}
std::string callback_item(const Stack& stack, Callback callback) {
  return item("callbacks", fmt::format("{} {}", stack.name, trace::name_of(callback)));
}
std::string policy_item(Policy policy, std::string_view word) {
  return item("policies", fmt::format("{} = {}", policy::row_of(policy).slug, word));
}

/// Those that have words to choose from and are no part of a write's shape. A number has no list of values to cover.
bool is_choice(const policy::PolicyRow& row) {
  return !row.words.empty() && row.policy != Policy::crash_mdl && row.policy != Policy::hibernation_mdl &&
         row.policy != Policy::mapped_va;
}

/// Everything that may be exercised, dimension by dimension.
std::vector<std::string> all_items() {
  std::vector<std::string> items;
  for (const trace::RuleRow& row : trace::all_rules()) items.push_back(item("rules", row.slug));
  for (const Stack& stack : stacks) {
    for (const std::string_view word : policy::row_of(stack.shape).words) items.push_back(shape_item(stack, word));
  }
  for (const std::string_view word : policy::row_of(Policy::mapped_va).words) items.push_back(mapped_item(word));
  for (const Stack& stack : stacks) {
    for (const Callback callback : filter_callbacks) items.push_back(callback_item(stack, callback));
  }
  for (const policy::ProfileRow& row : policy::all_profiles()) items.push_back(item("profiles", row.name));
  for (const policy::PolicyRow& row : policy::all_policies()) {
    if (!is_choice(row)) continue;
    for (const std::string_view word : row.words) items.push_back(policy_item(row.policy, word));
  }
  return items;
}

std::string word_of(const policy::Policies& policies, Policy policy) {
  return policy::format_value(policy, {policies.number(policy)});
}

}  // namespace

std::vector<std::string> exercised_by(const scenario::Scenario& scenario, const engine::Report& report) {
  std::vector<std::string> items;
  const auto view = trace::TraceView::open(report.trace.bytes());
  if (!view) return items;
  const auto met = [&](const Stack& stack, Callback callback) {
    items.push_back(callback_item(stack, callback));
    if (callback != Callback::write) return;
    items.push_back(shape_item(stack, word_of(scenario.policies, stack.shape)));
    items.push_back(mapped_item(word_of(scenario.policies, Policy::mapped_va)));
  };
  for (const Stack& stack : stacks) {
    for (const Callback callback : filter_callbacks) {
      if (called(*view, callback, callback, stack.prefix)) met(stack, callback);
    }
  }
  if (items.empty()) return items;
  for (const trace::RuleRow& row : trace::all_rules()) {
    const auto given = scenario.severities.find(row.rule);
    const bool off = given != scenario.severities.end() && given->second == trace::Severity::off;
    const TopicRow* topic = row_for(row.slug);
    const bool chance = !off && topic != nullptr && topic->had_chance(*view);
    if (chance || view->violations(row.rule) != 0) items.push_back(item("rules", row.slug));
  }
  items.push_back(item("profiles", policy::row_of(scenario.system.profile).name));
  for (const policy::PolicyRow& row : policy::all_policies()) {
    if (is_choice(row)) items.push_back(policy_item(row.policy, word_of(scenario.policies, row.policy)));
  }
  std::sort(items.begin(), items.end());
  items.erase(std::unique(items.begin(), items.end()), items.end());
  return items;
}

std::size_t Coverage::tenths(std::size_t exercised, std::size_t of) {
  return of == 0 ? 0 : exercised * 1000 / of;
}

bool Coverage::reaches(double percent) const {
  return static_cast<double>(exercised) * 100 >= percent * static_cast<double>(of);
}

Coverage coverage_of(const std::set<std::string>& exercised) {
  Coverage coverage;
  for (const std::string_view dimension : dimensions) coverage.rows.push_back({.dimension = std::string(dimension)});
  for (const std::string& each : all_items()) {
    const std::size_t colon = each.find(": ");
    auto row = std::find_if(coverage.rows.begin(), coverage.rows.end(),
                            [&](const CoverageRow& one) { return one.dimension == each.substr(0, colon); });
    ++row->of;
    ++coverage.of;
    if (exercised.contains(each)) {
      ++row->exercised;
      ++coverage.exercised;
    } else {
      row->missing.push_back(each.substr(colon + 2));
    }
  }
  return coverage;
}

std::string to_text(const Coverage& coverage, bool missing) {
  const auto line = [](std::string_view name, std::size_t exercised, std::size_t of) {
    const std::size_t tenths = Coverage::tenths(exercised, of);
    return fmt::format("  {:<10} {:>4} of {:>4}  {:>3}.{} %\n", name, exercised, of, tenths / 10, tenths % 10);
  };
  std::string text = "coverage of the contract\n";
  for (const CoverageRow& row : coverage.rows) text += line(row.dimension, row.exercised, row.of);
  text += line("total", coverage.exercised, coverage.of);
  if (!missing) return text;
  for (const CoverageRow& row : coverage.rows) {
    if (row.missing.empty()) continue;
    text += fmt::format("not exercised, {}\n", row.dimension);
    for (const std::string& each : row.missing) text += fmt::format("  {}\n", each);
  }
  return text;
}

}  // namespace dumpsim::report
