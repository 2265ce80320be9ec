// SPDX-License-Identifier: Apache-2.0
#include "report/rule_examples.hpp"

#include <fmt/format.h>

#include "report/manual_of_rules.hpp"

namespace dumpsim::report {
namespace {

/// The fenced block that follows `word` on a line of its own.
std::string block_behind(std::string_view section, std::string_view word) {
  const std::string opening = fmt::format("\n{}\n\n```c\n", word);
  const std::size_t at = section.find(opening);
  if (at == std::string_view::npos) return {};
  const std::string_view code = section.substr(at + opening.size());
  const std::size_t end = code.find("\n```\n");
  return end == std::string_view::npos ? std::string{} : std::string(code.substr(0, end + 1));
}

}  // namespace

std::string_view manual_of_rules() {
  return manual_of_rules_text;
}

std::optional<RuleExample> example_of(std::string_view slug, std::string_view manual) {
  const std::string heading = fmt::format("\n## {}\n", slug);
  const std::size_t at = manual.find(heading);
  if (at == std::string_view::npos) return {};
  const std::string_view rest = manual.substr(at + heading.size());
  const std::string_view section = rest.substr(0, rest.find("\n## "));
  RuleExample example{block_behind(section, "Wrong:"), block_behind(section, "Right:")};
  if (example.wrong.empty() || example.right.empty()) return {};
  return example;
}

}  // namespace dumpsim::report
