// SPDX-License-Identifier: Apache-2.0
// The filter battery from inside: what is kept of a case is of that case alone, and a case is made to expect what is
// right for a filter. From outside: tests/cli/try_test.py.
#include "engine/battery.hpp"

#include <gmock/gmock.h>

#include <set>

#include "engine_fixture.hpp"

namespace dumpsim::engine {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

BatteryCase case_of(const std::string& name, const std::string& more) {
  return {.group = "group",
          .name = name,
          .setup = "[system]\nmemory = { size = \"256 KiB\" }\n" + more + "[[filter]]\nimage = \"passthrough\"\n",
          .outcome = {},
          .statuses = {},
          .disabled = {}};
}

std::vector<Trial> tried(std::vector<BatteryCase> cases) {
  auto trials = try_battery(cases, with_filters(), {});
  if (!trials) throw std::runtime_error(trials.error().message);
  return *std::move(trials);
}

TEST(Battery, ADisksDigestIsOfTheDiskAndNotOfTheCasesBefore) {
  const BatteryCase plain = case_of("plain", "");
  const BatteryCase elsewhere = case_of("elsewhere", "[dump]\nfile = { size = \"2 MiB\", offset = \"20 MiB\" }\n");
  const auto alone = tried({plain}), after = tried({elsewhere, plain}), other = tried({elsewhere});
  EXPECT_EQ(after[1].disk_digest, alone[0].disk_digest);
  EXPECT_NE(other[0].disk_digest, alone[0].disk_digest) << "where it stands counts";
}

TEST(Battery, FilesHaveNamesOfTheirOwnThatAreNames) {
  const BatteryFilters filters{.tables = "[[filter]]\nimage = \"passthrough\"\n", .tables_twice = {}};
  std::set<std::string> names;
  const auto cases = battery(filters, true);
  for (const BatteryCase& one : cases) {
    EXPECT_THAT(one.file_name(), testing::MatchesRegex("[a-z0-9-]+[.]toml"));
    names.insert(one.file_name());
  }
  EXPECT_THAT(names, SizeIs(cases.size()));
  EXPECT_EQ(case_of("hibernate, MaxPagesPerWrite 1", "").file_name(), "group-hibernate-maxpagesperwrite-1.toml");
}

TEST(Battery, ExpectsOfAFilterThatSaysNothingIsEncryptedWhatItDoes) {
  BatteryCase one = case_of("says", "[[filter]]\nimage = \"says_not_encrypted\"\n");
  std::vector<BatteryCase> cases{one};
  auto trials = try_battery(cases, with_filters(), {});
  ASSERT_TRUE(trials.has_value());
  EXPECT_THAT((*trials)[0].mismatches, IsEmpty());
  EXPECT_THAT(cases[0].statuses, ElementsAre(HasSubstr("dump_says_not_encrypted")));
  EXPECT_THAT(cases[0].disabled, ElementsAre("dump_says_not_encrypted"));
  EXPECT_THAT(cases[0].text(), HasSubstr("\n[expect]\nstatuses = [{ filter = \"dump_says_not_encrypted\""));
  // The control: another failure of DumpStart is none that is right.
  cases = {case_of("fails", "[[filter]]\nimage = \"start_fails\"\n")};
  trials = try_battery(cases, with_filters(), {});
  ASSERT_TRUE(trials.has_value());
  EXPECT_FALSE((*trials)[0].as_expected());
  EXPECT_EQ(cases[0].text(), cases[0].setup);
}

TEST(Battery, LetsAFilterStopTheMachineWhereItMay) {
  for (const bool may_stop : {true, false}) {
    std::vector<BatteryCase> cases{case_of("stops", "[[filter]]\nimage = \"bugcheck_in_write\"\n")};
    cases[0].may_stop = may_stop;
    auto trials = try_battery(cases, with_filters(), {});
    ASSERT_TRUE(trials.has_value());
    EXPECT_EQ((*trials)[0].as_expected(), may_stop);
    EXPECT_EQ((*trials)[0].stopped, may_stop);
    EXPECT_EQ(cases[0].outcome, may_stop ? "bugchecked" : "");
  }
}

}  // namespace
}  // namespace dumpsim::engine
