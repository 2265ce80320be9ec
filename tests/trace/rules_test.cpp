// SPDX-License-Identifier: Apache-2.0
// The rule table as a table: slugs that can be found again, words a person can use, evidence that is tagged.
#include "trace/rules.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <vector>

#include "trace/record.hpp"

namespace dumpsim::trace {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(Rules, EachHasASlugWordsAndTaggedEvidence) {
  std::set<std::string_view> slugs;
  const auto tagged = [](std::string_view evidence) {
    return evidence.find("[doc]") != std::string_view::npos || evidence.find("[seen: ") != std::string_view::npos ||
           evidence.find("[assumed]") != std::string_view::npos;
  };
  for (const RuleRow& row : all_rules()) {
    EXPECT_TRUE(slugs.insert(row.slug).second) << row.slug;
    EXPECT_EQ(row.slug.find_first_not_of("abcdefghijklmnopqrstuvwxyz.-"), std::string_view::npos) << row.slug;
    EXPECT_EQ(std::count(row.slug.begin(), row.slug.end(), '.'), 1) << row.slug;
    EXPECT_EQ(find_rule(row.slug), row.rule);
    EXPECT_EQ(&row_of(row.rule), &row);
    EXPECT_NE(row.severity, Severity::off);
    for (const std::string_view words : {row.summary, row.hint}) {
      EXPECT_GT(words.size(), 15u) << row.slug;
      EXPECT_NE(words.back(), '.') << row.slug;
    }
    EXPECT_TRUE(tagged(row.evidence)) << row.slug;
  }
  EXPECT_EQ(slugs.size(), static_cast<std::size_t>(Rule::count_));
  EXPECT_FALSE(find_rule("irql.to-high"));
}

/// docs/rules.md as the table would write it, section by section.
std::string documented(const RuleRow& row) {
  return "\n## " + std::string(row.slug) + "\n\n- severity: " + std::string(name_of(row.severity)) +
         "\n- broken when: " + std::string(row.summary) + "\n- instead: " + std::string(row.hint) +
         "\n- evidence: " + std::string(row.evidence) + "\n";
}

/// What is wrong with the manual of rules; empty when it says what the table says, no more and no less.
std::vector<std::string> compare_with_table(const std::string& manual) {
  std::vector<std::string> mistakes;
  for (const RuleRow& row : all_rules()) {
    const std::string heading = "\n## " + std::string(row.slug) + "\n";
    if (manual.find(heading) == std::string::npos) {
      mistakes.push_back("docs/rules.md has no section of " + std::string(row.slug));
    } else if (manual.find(documented(row)) == std::string::npos) {
      mistakes.push_back("docs/rules.md says of " + std::string(row.slug) + " what simulator/trace/rules.cpp does not");
    }
  }
  for (std::size_t at = manual.find("\n## "); at != std::string::npos; at = manual.find("\n## ", at + 1)) {
    const std::string slug = manual.substr(at + 4, manual.find('\n', at + 1) - at - 4);
    if (!find_rule(slug)) mistakes.push_back("docs/rules.md has a section of " + slug + ", which is no rule");
  }
  return mistakes;
}

std::string read_file(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(Rules, TheManualSaysWhatTheTableSays) {
  const std::string manual = read_file(DUMPSIM_TESTS "/../docs/rules.md");
  EXPECT_THAT(compare_with_table(manual), IsEmpty());
  // Controls: a changed severity, a section that is missing, and one of a rule that does not exist.
  std::string changed = manual;
  changed.replace(changed.find("- severity: error"), 17, "- severity: minor");
  EXPECT_THAT(compare_with_table(changed),
              ElementsAre("docs/rules.md says of write.buffer-modified what simulator/trace/rules.cpp does not"));
  changed = manual;
  changed.replace(changed.find("## pool.leak"), 12, "## pool.lake");
  EXPECT_THAT(compare_with_table(changed), ElementsAre("docs/rules.md has no section of pool.leak",
                                                       "docs/rules.md has a section of pool.lake, which is no rule"));
}

TEST(Rules, EachHasAFilterThatBreaksIt) {
  for (const RuleRow& row : all_rules()) {
    std::string name(row.slug);
    std::replace_if(
        name.begin(), name.end(), [](char c) { return c == '.' || c == '-'; }, '_');
    const std::string scenario = read_file(DUMPSIM_TESTS "/bad_filters/" + name + ".toml");
    EXPECT_NE(scenario.find("\"" + std::string(row.slug) + "\""), std::string::npos)
        << "tests/bad_filters/" << name << ".toml is missing, or does not declare " << row.slug;
  }
}

TEST(Rules, WhatTheFieldDoesIsAWarning) {
  EXPECT_EQ(row_of(Rule::irql_too_high).severity, Severity::warning);
  EXPECT_EQ(row_of(Rule::mdl_flags_changed).severity, Severity::warning);
  EXPECT_EQ(row_of(Rule::write_buffer_modified).severity, Severity::error);
  EXPECT_EQ(default_severities()[static_cast<std::size_t>(Rule::pool_leak)], row_of(Rule::pool_leak).severity);
}

TEST(Names, AreStable) {
  EXPECT_EQ(name_of(Kind::callback_entered), "callback_entered");
  EXPECT_EQ(name_of(Kind::ended), "ended");
  EXPECT_EQ(name_of(static_cast<Kind>(500)), "unknown");
  EXPECT_EQ(name_of(Callback::driver_entry), "DriverEntry");
  EXPECT_EQ(name_of(Callback::write), "DumpWrite");
  EXPECT_EQ(name_of(Callback::unload), "DumpUnload");
  EXPECT_EQ(name_of(FaultKind::hang), "hang");
  EXPECT_EQ(name_of(Severity::warning), "warning");
}

}  // namespace
}  // namespace dumpsim::trace
