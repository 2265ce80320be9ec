// SPDX-License-Identifier: Apache-2.0
// Every key of [expect], once met and once not, with the sentence that a user then reads; and the closed world: what is
// not mentioned must be normal.
#include <gmock/gmock.h>

#include "engine_fixture.hpp"

namespace dumpsim::engine {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

struct Row {
  const char* key;
  const char* world;     // what the scenario is, before [expect]
  const char* accepted;  // lines of [expect]
  const char* refused;
  const char* message;  // part of the one sentence that says so
};

void PrintTo(const Row& row, std::ostream* out) {
  *out << row.key;
}

constexpr const char* plain = "[[filter]]\nimage = \"passthrough\"\n";
constexpr const char* start_fails = "[[filter]]\nimage = \"start_fails\"\n";
constexpr const char* bugcheck = "[[filter]]\nimage = \"bugcheck_in_write\"\n";
constexpr const char* outside = "[disk]\nsize = \"64 MiB\"\n[[filter]]\nimage = \"offset_outside_dump_file\"\n";
constexpr const char* logger = "[[filter]]\nimage = \"logger\"\n";
constexpr const char* notes = "[dump]\nkind = \"kernel\"\n[[filter]]\nimage = \"crash_notes\"\n";
constexpr const char* with_xor = "[[filter]]\nimage = \"xor\"\nparameters = { Key = 7 }\n";

#define START_FAILS_BUT(line) \
  "disabled = [\"start_fails\"]\nviolations = [\"lifecycle.error-lets-plaintext-through\"]\n" line
#define NOTES(more) "secondary_data = [{ guid = \"{1b0c7a52-3d0f-4a8e-9d6c-5e1f2a3b4c5d}\"" more " }]\n"
#define STATUS_OF(name) "statuses = [{ callback = \"DumpStart\", status = \"" name "\" }]\n"

class Expectation : public testing::TestWithParam<Row> {};

INSTANTIATE_TEST_SUITE_P(
    EveryKey, Expectation,
    testing::Values(
        Row{"outcome", bugcheck, "outcome = \"bugchecked\"\n", "outcome = \"crashed\"\n",
            "outcome: expected crashed, it is bugchecked (dump_bugcheck_in_write in DumpWrite"},
        Row{"outcome_completed", plain, "outcome = \"completed\"\n", "outcome = \"hung\"\n",
            "outcome: expected hung, it completed"},
        Row{"bugcheck", bugcheck, "outcome = \"bugchecked\"\nbugcheck = 0xBAD1\n",
            "outcome = \"bugchecked\"\nbugcheck = 0xBAD2\n",
            "bugcheck: expected 0x0000bad2, the filter stopped with 0x0000bad1"},
        Row{"recovered", plain, "recovered = \"identical\"\n", "recovered = \"different\"\n",
            "recovered: expected different, it is identical ("},
        Row{"recovered_raw", with_xor, "recovered = \"identical\"\n", "recovered = \"unreadable\"\n",
            "recovered: expected unreadable, it is identical ("},
        Row{"readable_sectors", with_xor, "readable_sectors_on_disk = 0\n", "readable_sectors_on_disk = 1\n",
            "readable_sectors_on_disk: expected 1, 0 sectors of memory lie readable on the disk"},
        Row{"readable_sectors_named", plain, "readable_sectors_on_disk = 512\n",
            "readable_sectors_on_disk = { at_most = 3 }\n",
            "expected at most 3, 512 sectors of memory lie readable on the disk; the first at disk offset 0x"},
        Row{"calls", plain,
            "calls = [\"DriverEntry\", \"DumpStart\", \"DumpWrite*\", \"DumpFinish\", \"DumpRead*\", "
            "\"DumpWrite*\"]\n",
            "calls = [\"DriverEntry\", \"DumpWrite*\"]\n", "calls: "},
        Row{"statuses", start_fails, START_FAILS_BUT(STATUS_OF("STATUS_UNSUCCESSFUL")),
            START_FAILS_BUT("statuses = [{ callback = \"DumpStart\", status = \"STATUS_UNSUCCESSFUL\" }, { callback = "
                            "\"DumpFinish\", status = 5 }]\n"),
            "statuses: no DumpFinish of any driver returned 0x00000005"},
        Row{"statuses_undeclared", start_fails, START_FAILS_BUT(STATUS_OF("STATUS_UNSUCCESSFUL")), START_FAILS_BUT(""),
            "statuses: DumpStart of dump_start_fails returned STATUS_UNSUCCESSFUL, which was not expected"},
        Row{"disabled", start_fails, START_FAILS_BUT(STATUS_OF("STATUS_UNSUCCESSFUL")),
            "violations = \"any\"\n" STATUS_OF("STATUS_UNSUCCESSFUL"),
            "disabled: dump_start_fails was disabled, which was not expected"},
        Row{"disabled_nobody", plain, "", "disabled = [\"passthrough\"]\n", "disabled: passthrough was not disabled"},
        Row{"violations", outside,
            "violations = [\"offset.outside-dump-file\"]\nredirected = { at_least = 1 }\n"
            "recovered = \"unreadable\"\n",
            "redirected = { at_least = 1 }\nrecovered = \"unreadable\"\n",
            "violations: offset.outside-dump-file by dump_offset_outside_dump_file in DumpWrite, which was not "
            "expected: DiskByteOffset was "},
        Row{"violations_counted", plain, "violations = []\n", "violations = [{ rule = \"pool.leak\", count = 2 }]\n",
            "violations: expected 2 of pool.leak, there are 0"},
        Row{"violations_any", outside,
            "violations = \"any\"\nredirected = { at_least = 1 }\nrecovered = "
            "\"unreadable\"\n",
            "violations = [{ rule = \"offset.outside-dump-file\", at_least = 1000 }]\nredirected = { at_least = 1 }\n"
            "recovered = \"unreadable\"\n",
            "violations: expected at least 1,000 of offset.outside-dump-file, there are "},
        Row{"redirected", outside, "violations = \"any\"\nredirected = { at_least = 1 }\nrecovered = \"unreadable\"\n",
            "violations = \"any\"\nrecovered = \"unreadable\"\n", "redirected: expected 0, "},
        Row{"writes", plain, "writes = { at_least = 5, at_most = 100 }\n", "writes = 1\n", "writes: expected 1, "},
        Row{"write_size", plain, "write_size = { at_least = 4096, at_most = 65536 }\n",
            "write_size = { at_most = 4096 }\n", "write_size: expected at most 4,096 bytes, the writes have "},
        Row{"bytes_on_disk", plain, "bytes_on_disk = { at_least = 262144 }\n", "bytes_on_disk = { at_most = 262144 }\n",
            "bytes_on_disk: expected at most 262,144, "},
        Row{"pages_added", notes, "pages_added = 2\n", "pages_added = 3\n",
            "pages_added: expected 3, 2 pages were added by bug check callbacks"},
        Row{"pages_removed", notes, "pages_removed = 0\n", "pages_removed = { at_least = 1 }\n",
            "pages_removed: expected at least 1, 0 pages were taken out by bug check callbacks"},
        Row{"secondary_data", notes, NOTES(""), "secondary_data = []\n",
            "secondary_data: dump_crash_notes gave 40 bytes as {1b0c7a52-3d0f-4a8e-9d6c-5e1f2a3b4c5d}, which was not "
            "expected"},
        Row{"secondary_data_missing", plain, "secondary_data = []\n", NOTES(""),
            "{1b0c7a52-3d0f-4a8e-9d6c-5e1f2a3b4c5d}: nobody gave it"},
        Row{"secondary_data_filter", notes, NOTES(", filter = \"crash_notes\""),
            NOTES(", filter = \"hiber_crash_notes\""), "it is dump_crash_notes's"},
        Row{"secondary_data_size", notes, NOTES(", size = 40"), NOTES(", size = 41"), "expected 41 bytes, it has 40"},
        Row{"secondary_data_bytes", notes, NOTES(", size = { at_most = 40 }"), NOTES(", bytes = \"hex:6372\""),
            "expected 2 bytes, it has 40 and differs at byte 0x2"},
        Row{"secondary_data_contains", notes, NOTES(", contains = \"hex:63 72 61 73 68\""),
            NOTES(", contains = \"Crash\""), "it does not contain what was expected"},
        Row{"debug_output", logger, "debug_output = [\"logger: finish\"]\n", "debug_output = [\"key loaded\"]\n",
            "debug_output: no DbgPrint contains \"key loaded\""}),
    [](const auto& each) { return std::string(each.param.key); });

TEST_P(Expectation, IsMet) {
  const Report report = run_of(std::string(GetParam().world) + "[expect]\n" + GetParam().accepted);
  EXPECT_THAT(report.mismatches, IsEmpty());
  EXPECT_TRUE(report.as_expected());
}

TEST_P(Expectation, IsNotMetAndSaysWhy) {
  const Report report = run_of(std::string(GetParam().world) + "[expect]\n" + GetParam().refused);
  EXPECT_FALSE(report.as_expected());
  EXPECT_THAT(report.mismatches, ElementsAre(HasSubstr(GetParam().message))) << "this and nothing else";
}

TEST(ClosedWorld, EverythingThatIsNotNormalIsSaid) {
  const Report report = run_of(start_fails);
  EXPECT_THAT(report.mismatches, AllOf(Contains(HasSubstr("statuses: ")), Contains(HasSubstr("disabled: ")),
                                       Contains(HasSubstr("violations: lifecycle.error-lets-plaintext-through"))));
}

TEST(ClosedWorld, AWarningNeverFailsARun) {
  const std::string text = "[[filter]]\nimage = \"irql_too_high\"\n";
  const Report warned = run_of(text);
  ASSERT_FALSE(warned.findings.empty());
  EXPECT_EQ(warned.findings[0].severity, trace::Severity::warning);
  EXPECT_TRUE(warned.as_expected()) << testing::PrintToString(warned.mismatches);
  EXPECT_THAT(run_of(text + "[rules]\n\"irql.too-high\" = \"error\"\n").mismatches,
              Contains(HasSubstr("violations: irql.too-high")));
  EXPECT_THAT(run_of(text + "[rules]\n\"irql.too-high\" = \"off\"\n").findings, IsEmpty());
}

TEST(ClosedWorld, ReadableSectorsThatCannotBeCountedAreNotMet) {
  const Report report = run_of("[[filter]]\nimage = \"passthrough\"\n[expect]\n", with_filters());
  EXPECT_TRUE(report.readable_sectors.has_value());
  scenario::Scenario scenario = scenario_of("[[filter]]\nimage = \"passthrough\"\n");
  scenario.system.memory.fill = scenario::Fill::zeros;
  scenario.expect.readable_sectors = scenario::CountRange{0, 0};
  const Report zeros = run_of(scenario);
  EXPECT_FALSE(zeros.readable_sectors.has_value());
  EXPECT_THAT(zeros.mismatches, ElementsAre(HasSubstr("cannot be counted")));
}

TEST(ClosedWorld, ARecoveryThatNothingCanJudgeIsAMistake) {
  // This filter shifts everything and reads nothing back: the disk says nothing about memory.
  scenario::Scenario scenario = scenario_of(std::string(outside) + "[expect]\nrecovered = \"identical\"\n");
  EXPECT_THAT(mistake_of(scenario), HasSubstr("cannot be judged"));
  RunOptions told_only = with_filters();
  told_only.judge = false;
  EXPECT_EQ(run_of(scenario, told_only).recovered, scenario::Recovered::unreadable);
}

TEST(ClosedWorld, NamesMeanBothInstancesOrOne) {
  const std::string text = R"(
timeline = ["boot", "hibernate", "resume", "crash", "next-boot"]
[[filter]]
image = "passthrough"
[expect]
)";
  EXPECT_TRUE(run_of(text + "calls = [\"dump_passthrough:DriverEntry\", \"dump_passthrough:DumpStart\", "
                            "\"dump_passthrough:DumpWrite*\", \"dump_passthrough:DumpFinish\", "
                            "\"dump_passthrough:DumpRead*\", \"dump_passthrough:DumpWrite*\"]\n")
                  .as_expected());
  EXPECT_FALSE(run_of(text + "calls = [\"passthrough:DriverEntry\", \"passthrough:DumpStart\", "
                             "\"passthrough:DumpWrite*\", \"passthrough:DumpFinish\"]\n")
                   .as_expected());
}

TEST(ClosedWorld, NotJudgingSaysNothing) {
  RunOptions options = with_filters();
  options.judge = false;
  const Report report = run_of(start_fails, options);
  EXPECT_THAT(report.mismatches, IsEmpty());
  EXPECT_FALSE(report.findings.empty());
}

}  // namespace
}  // namespace dumpsim::engine
