// SPDX-License-Identifier: Apache-2.0
// The rule table as a table: slugs that can be found again, words a person can use, evidence that is tagged.
#include "trace/rules.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <set>
#include <string>

#include "trace/record.hpp"

namespace dumpsim::trace {
namespace {

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
