// SPDX-License-Identifier: Apache-2.0
// A scenario that is run more than once: which run is told, what of the others is told with it, whose files stay.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <pthread.h>

#include <algorithm>
#include <fstream>

#include "engine_fixture.hpp"
#include "report/entry.hpp"
#include "report/run_report.hpp"

namespace dumpsim::engine {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;
using trace::Rule;

constexpr std::size_t shapes = 8;
constexpr const char* passthrough = "[[filter]]\nimage = \"passthrough\"\n";
constexpr const char* stale_startva = "[[filter]]\nimage = \"mdl_stale_startva_used\"\n";
constexpr const char* under_all = "[verify]\nmdl_shape = \"all\"\n";
/// Of a run with neither violation nor crash: under the first shape, therefore.
constexpr const char* never_met = "[expect]\nreadable_sectors_on_disk = 0\n";

std::string files_in(const ScratchFolder& folder) {
  return fmt::format("[disk]\nbackend = \"raw\"\npath = \"{}\"\n[recover]\noutput = \"{}\"\n[files]\nkeep = \"{}\"\n",
                     (folder / "disk.img").string(), (folder / "MEMORY.DMP").string(), (folder / "kept").string());
}

std::vector<Rule> rules_of(const Report& report) {
  std::vector<Rule> rules;
  for (const Finding& finding : report.findings) rules.push_back(finding.rule);
  return rules;
}

/// Knows every finding, as a baseline does that is being written.
RunOptions knowing_all(std::size_t& calls) {
  RunOptions options = with_filters();
  options.identify = [&calls](Report& report) {
    ++calls;
    for (Finding& finding : report.findings) {
      finding.known = true;
      finding.fingerprint = std::string(trace::row_of(finding.rule).slug);
    }
  };
  return options;
}

TEST(EveryShape, SaysUnderWhichItFailed) {
  const auto scenario = scenario_of(std::string("title = \"mine\"\n") + stale_startva + under_all);
  const Report report = run_of(scenario);
  EXPECT_FALSE(report.as_expected());
  EXPECT_EQ(report.title, "mine") << "a job's history knows it by that";
  EXPECT_EQ(report.mdl_shape, "mapped-stale-startva");
  EXPECT_THAT(report::facts_of(report), HasSubstr("crashed; MDL shape mapped-stale-startva"));
  EXPECT_THAT(report::to_text(report, {}), HasSubstr("MDL shape mapped-stale-startva"));
  EXPECT_THAT(rules_of(report), ElementsAre(Rule::mdl_stale_startva_used));
}

TEST(EveryShape, LeavesTheSentencesAloneByWhichReportsKnowAFinding) {
  const auto scenario = scenario_of(std::string(stale_startva) + under_all);
  const Report report = run_of(scenario);
  ASSERT_THAT(report.findings, SizeIs(1));
  EXPECT_THAT(report.mismatches, Contains(mismatch_of(report.findings[0])));
  const report::Entry entry = report::entry_of(scenario, report, {});
  EXPECT_THAT(entry.other_mismatches, Not(Contains(HasSubstr("mdl.stale-startva-used"))));
}

TEST(EveryShape, SaysNoneWhenAllIsWell) {
  const Report report = run_of(std::string(passthrough) + under_all);
  EXPECT_TRUE(report.as_expected()) << testing::PrintToString(report.mismatches);
  EXPECT_EQ(report.mdl_shape, "");
  EXPECT_THAT(report.verified, ElementsAre("as expected under each of 8 shapes of MDL"));
}

TEST(EveryShape, TellsTheFindingsOfTheRunsBefore) {
  // A warning in each run that gets so far; the run under "unmapped" crashes before.
  const Report report = run_of(std::string("[[filter]]\nimage = \"irql_too_high\"\n") + under_all);
  EXPECT_EQ(report.mdl_shape, "unmapped");
  EXPECT_THAT(rules_of(report), ElementsAre(Rule::mdl_stale_startva_used, Rule::irql_too_high)) << "worst first";
  EXPECT_EQ(report.findings[0].mdl_shape, "");
  EXPECT_EQ(report.findings[1].mdl_shape, "mapped-stale-startva") << "the last of them";
  EXPECT_THAT(report::to_text(report, {}), HasSubstr("in an earlier run, under MDL shape mapped-stale-startva"));
}

TEST(EveryShape, TellsThemOnceAndHasThemIdentified) {
  std::size_t calls = 0;
  const Report report =
      run_of(std::string("[[filter]]\nimage = \"mdl_buffer_paged\"\n") + under_all, knowing_all(calls));
  EXPECT_TRUE(report.as_expected()) << testing::PrintToString(report.mismatches);
  EXPECT_EQ(calls, shapes);
  EXPECT_THAT(rules_of(report), ElementsAre(Rule::mdl_buffer_paged));
  EXPECT_EQ(report.findings[0].mdl_shape, "") << "the last run met it, too";
  const Report crashed = run_of(std::string("[[filter]]\nimage = \"irql_too_high\"\n") + under_all, knowing_all(calls));
  EXPECT_THAT(rules_of(crashed), ElementsAre(Rule::mdl_stale_startva_used, Rule::irql_too_high));
  EXPECT_EQ(crashed.findings[1].fingerprint, "irql.too-high");
}

TEST(EveryShape, ShowsTheDiskOfTheRunThatIsToldLast) {
  RunOptions options = with_filters();
  std::size_t seen = 0;
  std::uint64_t written = 0;
  options.with_disk = [&](disk::BlockDevice& disk, const Plan&) -> Result<void> {
    ++seen;
    written = 0;
    return disk.for_each_data_range([&](DiskOffset, std::span<const std::byte> bytes) {
      written += bytes.size() - static_cast<std::size_t>(std::ranges::count(bytes, std::byte{0}));
      return true;
    });
  };
  run_of(std::string(passthrough) + under_all, options);
  EXPECT_EQ(seen, shapes);
  const std::uint64_t of_a_dump = written;
  run_of(std::string(stale_startva) + under_all, options);
  EXPECT_EQ(seen, shapes + 3) << "up to the shape under which it crashes";
  EXPECT_LT(written, of_a_dump);
}

TEST(EveryShape, LeavesTheFilesOfTheRunThatIsTold) {
  for (const char* expect : {"", never_met}) {
    const ScratchFolder folder;
    const Report report = run_of(files_in(folder) + passthrough + under_all + expect);
    EXPECT_EQ(report.mdl_shape, *expect == '\0' ? "" : "nonpaged");
    for (const char* name : {"disk.img", "disk.img.layout.json", "MEMORY.DMP", "kept"})
      EXPECT_TRUE(std::filesystem::exists(folder / name)) << name << " " << report.mdl_shape;
  }
  // Under a shape in between, with a disk that shows how far it came.
  const ScratchFolder folder;
  const Report report = run_of(files_in(folder) + stale_startva + under_all);
  EXPECT_EQ(report.mdl_shape, "mapped-stale-startva");
  EXPECT_TRUE(std::filesystem::exists(folder / "disk.img"));
  EXPECT_FALSE(std::filesystem::exists(folder / "MEMORY.DMP")) << "an earlier run had one, which is not its";
}

TEST(EveryShape, StaysWithItsVerdictWhenTheRunForTheFilesHasAnother) {
  // What a filter would do that differs from run to run: the finding is only new the first time.
  const ScratchFolder folder;
  std::size_t calls = 0;
  RunOptions options = with_filters();
  options.identify = [&calls](Report& report) {
    for (Finding& finding : report.findings) finding.known = calls != 0;
    ++calls;
  };
  const Report report =
      run_of(files_in(folder) + "[[filter]]\nimage = \"mdl_buffer_paged\"\n" + under_all, std::move(options));
  EXPECT_EQ(calls, 2u);
  EXPECT_EQ(report.mdl_shape, "nonpaged");
  EXPECT_THAT(report.mismatches,
              ElementsAre(HasSubstr("mdl.buffer-paged"),
                          HasSubstr("verify.mdl_shape: run again under \"nonpaged\" for its files")));
  EXPECT_TRUE(std::filesystem::exists(folder / "disk.img"));
}

TEST(SeveralRuns, BeginNothingThatCouldOnlyEndInARefusal) {
  for (const char* several : {"mdl_shape = \"all\"\n", "repeat = 3\n"}) {
    const ScratchFolder folder;
    std::ofstream(folder / "MEMORY.DMP") << "somebody's";
    std::size_t runs = 0;
    RunOptions options = with_filters();
    options.with_disk = [&](disk::BlockDevice&, const Plan&) -> Result<void> { return ++runs, Result<void>(); };
    const std::string text = files_in(folder) + passthrough + "[verify]\n" + several;
    EXPECT_THAT(mistake_of(scenario_of(text), options), HasSubstr("MEMORY.DMP exists already; nothing was written"));
    EXPECT_EQ(runs, 0u);
    // Before the first rehearsal, which would find that there is no such filter.
    const std::string nobody = files_in(folder) + "[[filter]]\nimage = \"nobody\"\n[verify]\n" + several;
    EXPECT_THAT(mistake_of(scenario_of(nobody), options), HasSubstr("exists already"));
    options.replace = true;
    EXPECT_EQ(mistake_of(scenario_of(text), options), "");
  }
}

TEST(SeveralRuns, OfAFilterThatDiesComeToWhatOneComesTo) {
  for (const auto& [image, outcome] : {std::pair{"null_dereference", scenario::Outcome::crashed},
                                       std::pair{"bugcheck_in_write", scenario::Outcome::bugchecked},
                                       std::pair{"system_call", scenario::Outcome::crashed}}) {
    const std::string filter = fmt::format("[[filter]]\nimage = \"{}\"\n", image);
    const std::string expect = fmt::format("[expect]\noutcome = \"{}\"\n", scenario::name_of(outcome));
    const Report once = run_of(filter + expect);
    EXPECT_EQ(once.outcome, outcome) << image;
    const ScratchFolder folder;
    const Report twice = run_of(files_in(folder) + filter + expect + "[verify]\nrepeat = 2\n");
    EXPECT_EQ(twice.outcome, outcome) << image;
    EXPECT_EQ(twice.mismatches, once.mismatches) << image;
    EXPECT_THAT(twice.verified, Contains(HasSubstr("repeat: 2 runs, traces and disks the same"))) << image;
    EXPECT_TRUE(std::filesystem::exists(folder / "disk.img")) << image;
    EXPECT_FALSE(std::filesystem::exists(folder / "MEMORY.DMP")) << image;
    const Report all = run_of(filter + expect + under_all);
    EXPECT_EQ(all.outcome, outcome) << image;
    EXPECT_EQ(all.mismatches, once.mismatches) << image;
  }
}

std::size_t forks = 0;

TEST(SeveralRuns, AreReadBackOnce) {
  ASSERT_EQ(pthread_atfork(
                nullptr, [] { ++forks; }, nullptr),
            0);
  const std::string text = "[[filter]]\nimage = \"xor\"\nparameters = { Key = 3 }\n[recover]\nvia = \"filters\"\n";
  const auto forks_of = [&](const std::string& more) {
    forks = 0;
    EXPECT_TRUE(run_of(text + more).as_expected());
    return forks;
  };
  EXPECT_EQ(forks_of(""), 2u) << "who crashes, and who reads";
  EXPECT_EQ(forks_of("[verify]\nrepeat = 3\n"), 4u) << "a rehearsal's dump is nobody's";
}

TEST(SeveralRuns, OfEveryShapeAreEachRepeated) {
  const Report report = run_of(std::string(stale_startva) + under_all + "repeat = 2\n");
  EXPECT_EQ(report.mdl_shape, "mapped-stale-startva");
  EXPECT_THAT(report.verified, ElementsAre(HasSubstr("repeat: 2 runs")));
  EXPECT_THAT(run_of(std::string(passthrough) + under_all + "repeat = 2\n").verified,
              ElementsAre(HasSubstr("repeat: 2 runs"), HasSubstr("as expected under each of 8 shapes")));
}

}  // namespace
}  // namespace dumpsim::engine
