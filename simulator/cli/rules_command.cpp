// SPDX-License-Identifier: Apache-2.0
// `dumpsim rules`: what a filter can break, by topic; and one rule with its evidence and an example.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/text.hpp"
#include "cli/command.hpp"
#include "report/rule_examples.hpp"
#include "report/rule_topics.hpp"
#include "trace/rules.hpp"

namespace dumpsim::cli {
namespace {

using trace::RuleRow;

/// Every topic that has rules, in the order of the table of topics; those it lacks come last.
std::vector<std::string_view> topics() {
  std::vector<std::string_view> all;
  for (const report::TopicRow& row : report::all_topics()) {
    if (row.topic.find('.') == std::string_view::npos) all.push_back(row.topic);
  }
  for (const RuleRow& row : trace::all_rules()) {
    const std::string_view topic = report::topic_of(row.slug);
    if (std::find(all.begin(), all.end(), topic) == all.end()) all.push_back(topic);
  }
  return all;
}

std::string list() {
  std::size_t width = 0;
  for (const RuleRow& row : trace::all_rules()) width = std::max(width, row.slug.size());
  std::string text;
  for (const std::string_view topic : topics()) {
    std::string rows;
    for (const RuleRow& row : trace::all_rules()) {
      if (report::topic_of(row.slug) == topic)
        rows += fmt::format("  {:<{}}  {:<7}  {}\n", row.slug, width, trace::name_of(row.severity), row.summary);
    }
    if (rows.empty()) continue;
    const report::TopicRow* row = report::find_topic(topic);
    text += fmt::format("{}{}{}\n{}", text.empty() ? "" : "\n", topic,
                        row == nullptr ? "" : fmt::format(": {}", row->title), rows);
  }
  return text;
}

std::string indented(std::string_view code) {
  std::string text;
  while (!code.empty()) {
    const std::string_view line = code.substr(0, code.find('\n'));
    text += line.empty() ? "\n" : fmt::format("  {}\n", line);
    code.remove_prefix(std::min(code.size(), line.size() + 1));
  }
  return text;
}

std::string explain(const RuleRow& row) {
  std::string text = fmt::format("{}  {}\n\n{}\ninstead: {}\nevidence: {}\n", row.slug, trace::name_of(row.severity),
                                 row.summary, row.hint, row.evidence);
  if (const report::TopicRow* topic = report::row_for(row.slug); topic != nullptr)
    text += fmt::format("checked when: {}\n", topic->chance);
  if (const auto example = report::example_of(row.slug))
    text += fmt::format("\nwrong\n\n{}\nright\n\n{}", indented(example->wrong), indented(example->right));
  return text;
}

nlohmann::ordered_json to_json(const RuleRow& row) {
  const auto example = report::example_of(row.slug);
  return {{"rule", row.slug},
          {"topic", report::topic_of(row.slug)},
          {"severity", trace::name_of(row.severity)},
          {"summary", row.summary},
          {"hint", row.hint},
          {"evidence", row.evidence},
          {"wrong", example ? example->wrong : ""},
          {"right", example ? example->right : ""}};
}

}  // namespace

void add_rules_command(CLI::App& app, Context& context) {
  struct Options {
    std::string slug;
    bool json = false;
  };
  const auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("rules", "List the rules that a filter can break, or explain one");
  command->add_option("RULE", options->slug, "Explain this one, with an example");
  command->add_flag("--json", options->json, "As JSON");
  command->callback([options, &context] {
    if (options->slug.empty()) {
      nlohmann::ordered_json all = nlohmann::ordered_json::array();
      for (const RuleRow& row : trace::all_rules()) all.push_back(to_json(row));
      std::cout << (options->json ? all.dump(2) + "\n" : list());
      return;
    }
    const auto rule = trace::find_rule(options->slug);
    if (!rule) {
      std::vector<std::string_view> slugs;
      for (const RuleRow& row : trace::all_rules()) slugs.push_back(row.slug);
      const std::string hint = did_you_mean(options->slug, slugs);
      complain(fmt::format("unknown rule \"{}\"{}", options->slug, hint.empty() ? "; dumpsim rules lists them" : hint));
      context.exit_code = usage;
      return;
    }
    std::cout << (options->json ? to_json(trace::row_of(*rule)).dump(2) + "\n" : explain(trace::row_of(*rule)));
  });
}

}  // namespace dumpsim::cli
