// SPDX-License-Identifier: Apache-2.0
// The filter battery from inside: what is kept of a case is of that case alone, and a case is made to expect what is
// right for a filter. From outside: tests/cli/try_test.py.
#include "engine/battery.hpp"

#include <gmock/gmock.h>

#include <algorithm>
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

std::vector<BatteryCase> boundary_cases(const Boundary& boundary) {
  std::vector<BatteryCase> cases = battery({}, true, &boundary);
  std::erase_if(cases, [](const BatteryCase& one) { return one.group != boundary_group; });
  return cases;
}

BatteryFilters partly_protected() {
  return *battery_filters({DUMPSIM_CORRECT_FILTERS "/partly_protected.so"}, {});
}

TEST(Battery, ABoundaryLiesInFrontOfEverySectorOfAWrite) {
  const auto boundary = find_boundary(partly_protected(), "EncryptedEnd", with_filters());
  ASSERT_TRUE(boundary.has_value()) << boundary.error().message;
  EXPECT_TRUE(boundary->reads);
  const std::vector<BatteryCase> cases = boundary_cases(*boundary);
  ASSERT_THAT(cases, SizeIs(1 + 128 + 1 + 1 + 16 + 1));
  std::set<std::string> files;
  for (const BatteryCase& one : cases) {
    SCOPED_TRACE(one.name);
    files.insert(one.file_name());
    const auto scenario = scenario::parse(one.text(), {});
    ASSERT_TRUE(scenario.has_value()) << scenario.error().message;
    const scenario::Filter& filter = scenario->filters.at(0);
    ASSERT_THAT(filter.protects, SizeIs(1));
    const auto [begin, end] = filter.protects[0];
    EXPECT_EQ(begin.bytes, 0u);
    EXPECT_EQ(filter.parameters.at("EncryptedEnd"), scenario::RegistryValue::qword(end));
    EXPECT_EQ(end % scenario->disk.sector_size, 0u);
    EXPECT_EQ(scenario->expect.recovered, scenario::Recovered::identical);
    // Where the pages of memory lie in the file is the layout's to know; three writes of them are there.
    const std::uint64_t first = scenario->dump.file.offset->bytes + 0x3000,
                        hidden = std::clamp(end, first, first + 3 * 65536) - first;
    EXPECT_EQ(scenario->expect.readable_sectors->least, 3 * 128 - hidden / 512);
    EXPECT_EQ(scenario->expect.readable_sectors->most, 3 * 128 - hidden / 512);
  }
  EXPECT_THAT(files, SizeIs(cases.size()));
  EXPECT_EQ(cases[38].file_name(), "boundary-crash-at-sector-37-of-a-write.toml");
  EXPECT_EQ(cases[38].readable_sectors, 2 * 128 - 37);
  EXPECT_EQ(cases[135].name, "crash, sectors of 4096, at sector 4 of a write");
  EXPECT_EQ(cases[135].readable_sectors, 2 * 128 - 4 * 8);
}

TEST(Battery, WithoutABoundaryThereIsNoCaseOfIt) {
  for (const BatteryCase& one : battery(partly_protected(), true)) {
    EXPECT_NE(one.group, boundary_group);
    EXPECT_THAT(one.text(), testing::Not(HasSubstr("protects")));
  }
}

TEST(Battery, WhereNobodyReadsNothingIsSaidOfWhatComesBack) {
  const Boundary boundary{*scenario::BoundedTables::make("[[filter]]\nimage = \"passthrough\"\n", "End"), false};
  for (const BatteryCase& one : boundary_cases(boundary)) EXPECT_THAT(one.text(), testing::Not(HasSubstr("recovered")));
}

TEST(Battery, ABoundaryThatNobodyReadsIsAMistake) {
  const auto mistake = [](const BatteryFilters& filters, const std::string& parameter) {
    const auto boundary = find_boundary(filters, parameter, with_filters());
    return boundary ? std::string() : boundary.error().message;
  };
  const BatteryFilters passthrough{.tables = "[[filter]]\nimage = \"passthrough\"\n", .tables_twice = {}};
  EXPECT_THAT(mistake(passthrough, "EncryptedEnd"),
              HasSubstr("no filter read the value EncryptedEnd of its Services\\passthrough\\Parameters"));
  EXPECT_THAT(mistake(partly_protected(), "EncrytedEnd"), HasSubstr("; did you mean \"EncryptedEnd\"?"));
  EXPECT_EQ(mistake(partly_protected(), "encryptedEND"), "");
  // One of two is enough, and a value of the same name that belongs to another service is none.
  BatteryFilters both = partly_protected();
  both.tables += passthrough.tables;
  EXPECT_EQ(mistake(both, "EncryptedEnd"), "");
  EXPECT_THAT(
      mistake({.tables = "[[filter]]\nname = \"else\"\nimage = \"" DUMPSIM_CORRECT_FILTERS "/partly_protected.so\"\n",
               .tables_twice = {}},
              "EncryptedEnd"),
      HasSubstr("Services\\else\\Parameters"));
  EXPECT_THAT(mistake({}, "EncryptedEnd"), HasSubstr("no [[filter]]"));
}

}  // namespace
}  // namespace dumpsim::engine
