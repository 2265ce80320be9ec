// SPDX-License-Identifier: Apache-2.0
// One run and many: what a completed run reports, that a run repeats byte for byte, that a host outlives whatever its
// children do and keeps nothing of them.
#include "engine/run.hpp"

#include <gmock/gmock.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <iterator>
#include <regex>

#include "engine_fixture.hpp"

namespace dumpsim::engine {
namespace {

using scenario::Outcome;
using scenario::Recovered;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::string_view xor_scenario = R"(
title = "xor"
[[filter]]
image = "xor"
parameters = { Key = "hex:a5 01 fe" }
)";

TEST(Run, ACompletedRunSaysSo) {
  const Report report = run_of("title = \"plain\"\n[[filter]]\nimage = \"passthrough\"\n");
  EXPECT_EQ(report.title, "plain");
  EXPECT_EQ(report.outcome, Outcome::completed);
  EXPECT_EQ(report.outcome_detail, "");
  EXPECT_EQ(report.recovered, Recovered::identical);
  EXPECT_THAT(report.recovered_detail, HasSubstr("64 pages"));
  EXPECT_THAT(report.recovered_detail, HasSubstr("raw"));
  EXPECT_EQ(report.readable_sectors, 64u * 8);
  EXPECT_FALSE(report.readable_examples.empty());
  EXPECT_THAT(report.findings, IsEmpty());
  EXPECT_THAT(report.disabled, IsEmpty());
  EXPECT_THAT(report.mismatches, IsEmpty());
  EXPECT_TRUE(report.as_expected());
  EXPECT_GT(report.writes, 5u);
  EXPECT_GT(report.write_bytes, 64u * 4096);
  EXPECT_EQ(report.write_most, 65536u);
  EXPECT_EQ(report.redirected, 0u);
  EXPECT_GT(report.virtual_time, 0u);
  EXPECT_EQ(view_of(report).outcome(), "completed");
}

TEST(Run, EncryptedMemoryIsRecoveredThroughTheFilters) {
  const Report report = run_of(xor_scenario);
  EXPECT_EQ(report.recovered, Recovered::identical);
  EXPECT_THAT(report.recovered_detail, HasSubstr("through the filters"));
  EXPECT_EQ(report.readable_sectors, 0u);
  EXPECT_THAT(report.policies, IsEmpty()) << "one filter: no order decided anything";
}

TEST(Run, TwoRunsAreTheSameByteForByte) {
  for (const std::string_view text :
       {xor_scenario, std::string_view("[[filter]]\nimage = \"logger\"\n[[filter]]\nimage = \"passthrough\"\n"),
        std::string_view("[[filter]]\nimage = \"null_dereference\"\n"),
        std::string_view("timeline = [\"boot\", \"hibernate\", \"resume\", \"crash\", \"next-boot\"]\n"
                         "[[filter]]\nimage = \"passthrough\"\n[trace]\nfold = false\ndigests = true\n")}) {
    const Report first = run_of(text);
    const Report second = run_of(text);
    EXPECT_EQ(trace::to_text(view_of(first)), trace::to_text(view_of(second)));
    EXPECT_EQ(trace::to_jsonl(view_of(first)), trace::to_jsonl(view_of(second)));
    EXPECT_FALSE(trace::to_jsonl(view_of(first)).empty());
  }
  EXPECT_NE(trace::to_text(view_of(run_of(xor_scenario))),
            trace::to_text(view_of(run_of("[[filter]]\nimage = \"passthrough\"\n"))))
      << "the control: another filter is another trace";
}

TEST(Run, InThisProcessIsTheSameAsInAChild) {
  RunOptions here = with_filters();
  here.sandbox = false;
  for (const std::string_view text : {xor_scenario, std::string_view("[[filter]]\nimage = \"logger\"\n"),
                                      std::string_view("[[filter]]\nimage = \"bugcheck_in_write\"\n")}) {
    const Report child = run_of(text);
    const Report in_process = run_of(text, here);
    EXPECT_EQ(trace::to_jsonl(view_of(child)), trace::to_jsonl(view_of(in_process)));
    EXPECT_EQ(child.outcome, in_process.outcome);
    EXPECT_EQ(child.recovered, in_process.recovered);
  }
}

TEST(Run, HostAddressesStandInNoTrace) {
  // Arena and image addresses would repeat only by luck; stack and heap addresses would not.
  const std::string text = trace::to_jsonl(view_of(run_of(xor_scenario)));
  // Twelve digits: an argument such as the 0x7ffffffffff of MmAllocateContiguousMemory is no address.
  EXPECT_FALSE(std::regex_search(text, std::regex("0x(7f[0-9a-f]{10}|2000[0-9a-f]{8})\\b")));
  EXPECT_TRUE(std::regex_search("at 0x7ffe12345678,", std::regex("0x(7f[0-9a-f]{10}|2000[0-9a-f]{8})\\b")));
}

TEST(Run, FindingsAreCountedAsOftenAsTheyHappened) {
  // Fragments make steps of different lengths, folded and not: the recorder's own tally is exact.
  const Report report = run_of(R"(
[[filter]]
image = "mdl_flags_changed"
[dump]
file = { size = "4 MiB", fragments = 40, seed = 5 }
[policy]
max_pages_per_write = 2
[expect]
violations = "any"
)");
  std::uint64_t counted = 0;
  for (const Finding& finding : report.findings) {
    if (finding.rule == trace::Rule::mdl_flags_changed) counted += finding.count;
  }
  EXPECT_EQ(counted, view_of(report).violations(trace::Rule::mdl_flags_changed));
  EXPECT_EQ(counted, report.writes);
}

TEST(Run, AMainDriverThatAsksForItsOwnDeviceAsksForNothingElse) {
  const std::string_view both = "[[driver]]\nimage = \"two_roles\"\n[[filter]]\nimage = \"two_roles\"\n";
  EXPECT_THAT(run_of(std::string(both) + "[expect]\nviolations = \"any\"\n").asked, IsEmpty());
  // A filter that finds nobody is told of, also when the main driver comes later.
  const Report late =
      run_of("[[driver]]\nimage = \"two_roles\"\nstart = \"system\"\n[[filter]]\nimage = \"two_roles\"\n");
  ASSERT_FALSE(late.asked.empty());
  EXPECT_EQ(late.asked[0].driver, "dump_two_roles");
}

TEST(Run, WritesThatAStepSendsElsewhereAreNoFiltersDoing) {
  const Report report = run_of(R"(
sequence = ["load", "start", "open", { write = { offset = "1 MiB", pages = 2 } }, "finish"]
[dump]
file = { offset = "4 MiB", size = "2 MiB" }
[disk]
partition_size = "16 MiB"
[[filter]]
image = "passthrough"
)");
  EXPECT_EQ(report.redirected, 0u);
  EXPECT_TRUE(report.as_expected());
}

TEST(Run, AVictimOfHibernationIsNoLastingState) {
  const Report report = run_of(R"(
timeline = ["boot", "hibernate", "resume", "hibernate", "resume", "crash", "next-boot"]
[[filter]]
image = "xor"
parameters = { Key = 7 }
)");
  EXPECT_TRUE(report.as_expected()) << testing::PrintToString(report.mismatches);
  EXPECT_EQ(report.recovered, Recovered::identical);
}

std::size_t lines_of(const char* path) {
  std::ifstream file(path);
  return static_cast<std::size_t>(std::count(std::istreambuf_iterator<char>(file), {}, '\n'));
}
std::size_t descriptors() {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) ++count;
  return count;
}

TEST(Run, TheHostStandsWhateverItsChildrenDo) {
  const std::string_view deaths[] = {"null_dereference", "system_call",       "system_call_32", "stack_overflow",
                                     "divide_by_zero",   "bugcheck_in_write", "wild_pointer"};
  const auto run_one = [&](std::size_t i) {
    const bool dies = i % 2 == 1;
    const std::string name(dies ? deaths[i / 2 % std::size(deaths)] : "passthrough");
    const Report report = run_of("[[filter]]\nimage = \"" + name + "\"\n");
    EXPECT_EQ(report.outcome != Outcome::completed, dies) << name;
    if (!dies) {
      EXPECT_EQ(report.recovered, Recovered::identical);
    }
  };
  run_one(0);
  run_one(1);  // what is made once is there now
  const std::size_t maps = lines_of("/proc/self/maps"), open = descriptors();
  for (std::size_t i = 0; i < 30; ++i) run_one(i);
  errno = 0;
  EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1) << "a child is left";
  EXPECT_EQ(errno, ECHILD);
  EXPECT_EQ(descriptors(), open);
  EXPECT_LE(lines_of("/proc/self/maps"), maps + 8) << "each run's memory goes with it";
}

TEST(Run, AnImageThatIsNoneLeavesNothingBehind) {
  ScratchFolder folder;
  const auto write_file = [](const std::filesystem::path& path, std::string_view text) { std::ofstream(path) << text; };
  std::filesystem::create_directory(folder / "out");
  write_file(folder / "broken.so", "this is no image");
  scenario::Scenario scenario = scenario_of(
      "[disk]\nbackend = \"raw\"\npath = \"out/disk.img\"\n[[filter]]\nimage = \"./broken.so\"\n", folder / "a.toml");
  EXPECT_THAT(mistake_of(scenario), HasSubstr("broken.so"));
  EXPECT_TRUE(std::filesystem::is_empty(folder / "out")) << "neither disk nor layout";
}

TEST(Run, ADiskThatIsThereStaysAsItIs) {
  ScratchFolder folder;
  std::ofstream(folder / "disk.img") << "precious";
  scenario::Scenario scenario = scenario_of(
      "[disk]\nbackend = \"raw\"\npath = \"disk.img\"\n[[filter]]\nimage = \"passthrough\"\n", folder / "a.toml");
  EXPECT_THAT(mistake_of(scenario), HasSubstr("disk.img"));
  std::ifstream file(folder / "disk.img");
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(file), {}), "precious");
  RunOptions replace = with_filters();
  replace.replace = true;
  EXPECT_TRUE(run_of(scenario, replace).as_expected());
  EXPECT_GT(std::filesystem::file_size(folder / "disk.img"), 1u << 20);
}

TEST(Run, ALayoutThatIsThereIsRefusedBeforeADiskIsMade) {
  ScratchFolder folder;
  scenario::Scenario scenario = scenario_of(
      "[disk]\nbackend = \"raw\"\npath = \"disk.img\"\n[[filter]]\nimage = \"passthrough\"\n", folder / "a.toml");
  ASSERT_TRUE(run_of(scenario).as_expected());
  std::filesystem::remove(folder / "disk.img");
  EXPECT_NE(mistake_of(scenario), "");
  EXPECT_FALSE(std::filesystem::exists(folder / "disk.img"));
}

TEST(Run, KeepsTheRecoveredDumpWhereToldAndNotOverAnother) {
  ScratchFolder folder;
  scenario::Scenario scenario =
      scenario_of("[recover]\noutput = \"MEMORY.DMP\"\n[[filter]]\nimage = \"passthrough\"\n", folder / "a.toml");
  EXPECT_TRUE(run_of(scenario).as_expected());
  std::ifstream file(folder / "MEMORY.DMP");
  std::string front(8, ' ');
  file.read(front.data(), 8);
  EXPECT_EQ(front, "PAGEDU64");
  EXPECT_THAT(mistake_of(scenario), HasSubstr("MEMORY.DMP"));
}

TEST(Run, KeepsTheFilesOfTheSystemVolumeWhereToldAndNotOverOthers) {
  ScratchFolder folder;
  const std::string log = "kept/ProgramData/filter/log.txt";
  scenario::Scenario scenario = scenario_of(
      "[files]\nkeep = \"kept\"\n'C:\\ProgramData\\filter\\log.txt' = \"before\\n\"\n"
      "[[filter]]\nimage = \"file_logger\"\n[expect]\nviolations = \"any\"\n",
      folder / "a.toml");
  const auto content = [&] {
    std::ifstream file(folder / log);
    return std::string(std::istreambuf_iterator<char>(file), {});
  };
  EXPECT_TRUE(run_of(scenario).as_expected());
  EXPECT_EQ(content(), "before\nentry\n") << "what was there before the run, and what the filter wrote";
  EXPECT_FALSE(std::filesystem::exists(folder / "kept/Windows")) << "folders without a file are not made";

  // A folder that holds something is refused before anything runs, and stays as it is.
  std::ofstream(folder / log) << "mine";
  EXPECT_THAT(mistake_of(scenario), HasSubstr("is there and not empty"));
  EXPECT_EQ(content(), "mine");
  RunOptions replace = with_filters();
  replace.replace = true;
  EXPECT_TRUE(run_of(scenario, replace).as_expected());
  EXPECT_EQ(content(), "before\nentry\n");
}

TEST(Run, KeepsNoFilesWhenThereIsNoPlaceForThem) {
  ScratchFolder folder;
  std::ofstream(folder / "kept") << "a file, no folder";
  const scenario::Scenario scenario =
      scenario_of("[files]\nkeep = \"kept\"\n[[filter]]\nimage = \"passthrough\"\n", folder / "a.toml");
  EXPECT_THAT(mistake_of(scenario), HasSubstr("kept"));
  EXPECT_EQ(std::filesystem::file_size(folder / "kept"), 17u) << "not written over";
}

}  // namespace
}  // namespace dumpsim::engine
