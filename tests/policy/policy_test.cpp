// SPDX-License-Identifier: Apache-2.0
// The policy table is data that everything above trusts: its rows must be complete, in order, readable by their own
// parser and backed by evidence. The values pinned here are the ones public sources state.
#include "policy/policy.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>
#include <set>
#include <string>
#include <vector>

namespace dumpsim::policy {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr std::size_t profile_count = static_cast<std::size_t>(Profile::count_);

TEST(Profiles, StandInOrderUnderTheirNames) {
  ASSERT_EQ(all_profiles().size(), profile_count);
  for (std::size_t i = 0; i < profile_count; ++i) {
    const ProfileRow& row = all_profiles()[i];
    EXPECT_EQ(static_cast<std::size_t>(row.profile), i);
    EXPECT_EQ(find_profile(row.name), row.profile);
    EXPECT_FALSE(row.description.empty());
  }
  EXPECT_EQ(find_profile("windows-12"), std::nullopt);
  EXPECT_EQ(find_profile(""), std::nullopt);
}

TEST(Profiles, CarryTheVersionsWindowsReports) {
  EXPECT_EQ(row_of(Profile::windows_7).build, 7601u);
  EXPECT_EQ(row_of(Profile::windows_8_1).minor, 3u);
  EXPECT_EQ(row_of(Profile::windows_10).build, 19045u);
  EXPECT_EQ(row_of(Profile::windows_11).build, 22631u);
  EXPECT_EQ(row_of(Profile::windows_11_25h2).build, 26200u);
}

TEST(Policies, StandInOrderUnderUniqueSlugs) {
  ASSERT_EQ(all_policies().size(), static_cast<std::size_t>(Policy::count_));
  std::set<std::string_view> slugs;
  const std::regex form("[a-z][a-z0-9]*(-[a-z0-9]+)*");
  for (std::size_t i = 0; i < all_policies().size(); ++i) {
    const PolicyRow& row = all_policies()[i];
    EXPECT_EQ(static_cast<std::size_t>(row.policy), i) << row.slug;
    EXPECT_TRUE(slugs.insert(row.slug).second) << row.slug;
    EXPECT_TRUE(std::regex_match(std::string(row.slug), form)) << row.slug;
    EXPECT_EQ(find_policy(row.slug), row.policy);
    EXPECT_EQ(find_policy_key(key_of(row.policy)), row.policy);
    EXPECT_FALSE(row.summary.empty());
  }
  EXPECT_EQ(find_policy("max_pages_per_write"), std::nullopt) << "slugs have dashes, keys underscores";
  EXPECT_EQ(find_policy_key("max-pages-per-write"), std::nullopt);
  EXPECT_EQ(key_of(Policy::max_pages_per_write), "max_pages_per_write");
}

/// What is wrong with a default, or nothing: the check below and its control share it.
std::string wrong_with(const PolicyRow& row, const Default& standard) {
  static const std::regex evidence(R"((\[doc\]|\[seen: [^\]]+\]|\[assumed\]) \S.{5,})");
  const Result<Value> value = parse_value(row.policy, standard.value);
  if (!value) return value.error().message;
  if (format_value(row.policy, *value) != standard.value) return "not in canonical form";
  if (!std::regex_match(std::string(standard.evidence), evidence)) return "no evidence";
  return {};
}

TEST(Policies, EveryDefaultIsReadableAndHasEvidence) {
  for (const PolicyRow& row : all_policies()) {
    for (std::size_t i = 0; i < profile_count; ++i) {
      EXPECT_EQ(wrong_with(row, row.defaults[i]), "") << row.slug << " of " << all_profiles()[i].name;
    }
  }
}

TEST(Policies, TheCheckOfDefaultsCanFail) {
  const PolicyRow& row = row_of(Policy::max_pages_per_write);
  EXPECT_EQ(wrong_with(row, {"16", "sounds right"}), "no evidence");
  EXPECT_EQ(wrong_with(row, {"16", "[assumed]"}), "no evidence");
  EXPECT_EQ(wrong_with(row, {"0x10", "[assumed] as windows-7"}), "not in canonical form");
  EXPECT_THAT(wrong_with(row, {"0", "[assumed] as windows-7"}), HasSubstr("out of range"));
}

TEST(Policies, AnAssumptionNamesAnEarlierProfileThatHasTheSameValue) {
  for (const PolicyRow& row : all_policies()) {
    for (std::size_t i = 0; i < profile_count; ++i) {
      const std::string evidence(row.defaults[i].evidence);
      const std::string prefix = "[assumed] as windows-";
      if (!evidence.starts_with(prefix)) continue;
      const std::size_t end = evidence.find_first_of("; ", prefix.size());
      const auto source = find_profile(evidence.substr(13, end == std::string::npos ? end : end - 13));
      ASSERT_TRUE(source.has_value()) << row.slug << ": " << evidence;
      EXPECT_LT(static_cast<std::size_t>(*source), i) << row.slug;
      EXPECT_EQ(row.defaults[static_cast<std::size_t>(*source)].value, row.defaults[i].value) << row.slug;
    }
  }
}

TEST(Policies, NoIsZeroSoThatANumberReadsAsABoolean) {
  EXPECT_EQ(Policies(Profile::windows_7).number(Policy::read_support), 0u);
  EXPECT_EQ(Policies(Profile::windows_11).number(Policy::read_support), 1u);
}

TEST(Policies, DefaultsAreWhatTheSourcesSay) {
  const Policies seven(Profile::windows_7);
  EXPECT_EQ(seven.number(Policy::max_pages_per_write), 16u);
  EXPECT_EQ(seven.number(Policy::init_size), 56u);
  EXPECT_EQ(seven.number(Policy::init_version), 1u);
  EXPECT_EQ(seven.number(Policy::init_flags), 0u);
  EXPECT_EQ(seven.number(Policy::extension_size), 80u);
  EXPECT_TRUE(seven.is(Policy::critical_test, "negative"));
  EXPECT_TRUE(seven.is(Policy::complete_format, "full"));
  EXPECT_TRUE(seven.is(Policy::dump_log, "none"));
  const Policies eight(Profile::windows_8_1);
  EXPECT_EQ(eight.number(Policy::init_size), 64u);
  EXPECT_EQ(eight.number(Policy::extension_size), 88u);
  EXPECT_TRUE(eight.is(Policy::dump_log, "after-finish"));
  EXPECT_TRUE(eight.is(Policy::critical_test, "not-success"));
  const Policies newest(Profile::windows_11_25h2);
  EXPECT_TRUE(newest.is(Policy::hibernation_mdl, "mapped-stale-startva"));
  EXPECT_TRUE(newest.is(Policy::crash_mdl, "nonpaged"));
  EXPECT_TRUE(Policies(Profile::windows_11).is(Policy::hibernation_mdl, "nonpaged"));
}

TEST(Policies, TakeNumbersWithUnitsAndWords) {
  EXPECT_EQ(parse_value(Policy::port_transfer_limit, "128 KiB")->number, 131072u);
  EXPECT_EQ(parse_value(Policy::max_pages_per_write, "0x20")->number, 32u);
  EXPECT_EQ(parse_value(Policy::filter_failure, "ignore")->number, 1u);
}

TEST(Policies, RefuseWhatIsNoValueAndSayWhatIs) {
  struct Case {
    Policy policy;
    std::string_view text;
    std::string_view message;
  };
  const std::vector<Case> cases{
      {Policy::filter_failure, "disabled",
       "policy filter-failure: \"disabled\" is no choice; expected \"disable\" or \"ignore\"; did you mean "
       "\"disable\"?"},
      {Policy::filter_failure, "", "policy filter-failure: \"\" is no choice"},
      {Policy::read_support, "1", "expected \"no\" or \"yes\""},
      {Policy::max_pages_per_write, "0", "policy max-pages-per-write: 0 is out of range; expected 1 to 65536"},
      {Policy::max_pages_per_write, "65537", "out of range"},
      {Policy::max_pages_per_write, "-1", "no size"},
      {Policy::max_pages_per_write, "99999999999999999999", "does not fit in 64 bits"},
      {Policy::port_transfer_limit, "5000", "policy port-transfer-limit: 5000 is no multiple of 4096"},
      {Policy::port_transfer_limit, "64 KB", "write \"KiB\""},
      {Policy::init_size, "60", "no multiple of 8"},
  };
  for (const Case& each : cases) {
    const Result<Value> value = parse_value(each.policy, each.text);
    ASSERT_FALSE(value.has_value()) << each.text;
    EXPECT_THAT(value.error().message, HasSubstr(each.message));
  }
}

TEST(Policies, OverridesAreRememberedAndExplained) {
  Policies policies(Profile::windows_11);
  EXPECT_FALSE(policies.overridden(Policy::filter_failure));
  EXPECT_THAT(policies.explain(Policy::filter_failure),
              StartsWith("filter-failure = disable (windows-11: [assumed] as windows-7"));
  policies.set(Policy::filter_failure, *parse_value(Policy::filter_failure, "ignore"));
  EXPECT_TRUE(policies.overridden(Policy::filter_failure));
  EXPECT_TRUE(policies.is(Policy::filter_failure, "ignore"));
  EXPECT_FALSE(policies.is(Policy::filter_failure, "disable"));
  EXPECT_THAT(policies.explain(Policy::filter_failure),
              StartsWith("filter-failure = ignore (set by the scenario; windows-11 has disable: [assumed] as"));
  EXPECT_FALSE(policies.overridden(Policy::read_order)) << "others are not touched";
  EXPECT_EQ(policies.profile(), Profile::windows_11);
}

}  // namespace
}  // namespace dumpsim::policy
