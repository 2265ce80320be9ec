// SPDX-License-Identifier: Apache-2.0
// Readers (include/dumpsim/reader.h) at work and at fault: every wrong one is one sentence, and nothing is written.
#include <gmock/gmock.h>
#include <unistd.h>

#include <csignal>
#include <fstream>

#include "dumpfile/compare.hpp"
#include "dumpfile/dump_reader.hpp"
#include "engine/recover_disk.hpp"
#include "engine_fixture.hpp"

namespace dumpsim::engine {
namespace {

using scenario::Recovered;
using testing::AllOf;
using testing::HasSubstr;

RunOptions with_readers() {
  RunOptions options = with_filters();
  options.filter_path.emplace_back(DUMPSIM_READERS);
  return options;
}

constexpr std::string_view crash_text =
    "[system.memory]\nsize = \"256 KiB\"\n[dump]\nfile = { size = \"2 MiB\", fragments = 6, seed = 2 }\n"
    "[[filter]]\nimage = \"xor\"\nparameters = { Key = \"hex:5A\" }\n[limits]\ncpu_seconds = 1\n";

Report read_by(const std::string& reader) {
  return run_of(scenario_of(std::string(crash_text) + "[recover]\nvia = \"reader:" + reader + "\"\n"), with_readers());
}

TEST(Reader, GivesBackWhatTheFilterWrote) {
  const Report report = read_by("right");
  EXPECT_EQ(report.recovered, Recovered::identical) << report.recovered_detail;
  EXPECT_THAT(report.recovered_detail, HasSubstr("through the reader"));
  EXPECT_TRUE(report.as_expected());
}

struct Wrong {
  const char* reader;
  const char* said;
};
std::ostream& operator<<(std::ostream& out, const Wrong& wrong) {
  return out << wrong.said;
}
class WrongReader : public testing::TestWithParam<Wrong> {};

TEST_P(WrongReader, IsOneSentence) {
  const Report report = read_by(GetParam().reader);
  EXPECT_EQ(report.outcome, scenario::Outcome::completed) << "the run is not the reader's fault";
  EXPECT_EQ(report.recovered, Recovered::unreadable);
  EXPECT_THAT(report.recovered_detail,
              AllOf(HasSubstr(std::string("reader ") + GetParam().reader + ".so: "), HasSubstr(GetParam().said)));
}
INSTANTIATE_TEST_SUITE_P(
    Readers, WrongReader,
    testing::Values(
        Wrong{"crashes", "asked for 8192 bytes at partition offset 0x"}, Wrong{"crashes", "died of signal 11"},
        Wrong{"crashes_loading", "while it was loaded, its process died of signal 6"},
        Wrong{"hangs", "it made no progress and was ended"}, Wrong{"exits", "it ended the process with status 7"},
        Wrong{"refuses", "it returned -5: no header of ours on this disk: wrong password?"},
        Wrong{"short", "a reader gives all of them or a negative number"},
        Wrong{"says_too_much", "it returned 8193: a reader gives all of them"},
        Wrong{"leaves_a_hole", "left the bytes from 512 on untouched"},
        Wrong{"overruns", "it wrote outside the buffer it was given"},
        Wrong{"no_entry", "it has no function dumpsim_reader_v1"},
        Wrong{"newer", "it was built for version 2 of the interface, this program knows version 1"},
        Wrong{"unresolved", "it cannot be loaded: "}, Wrong{"unresolved", "reader_function_that_is_nowhere"}),
    [](const auto& test) { return std::string(test.param.reader) + std::to_string(test.index); });

TEST(Reader, DiesOfItsFaultWhateverHandlerTheProgramHas) {
  struct sigaction ends_well {};
  ends_well.sa_handler = [](int) { _exit(3); };
  struct sigaction former {};
  ASSERT_EQ(sigaction(SIGSEGV, &ends_well, &former), 0);
  const Report report = read_by("crashes");
  sigaction(SIGSEGV, &former, nullptr);
  EXPECT_THAT(report.recovered_detail, HasSubstr("died of signal 11"));
}

TEST(Reader, WithTheWrongKeyGivesNoDump) {
  const Report report =
      run_of(scenario_of(
                 "[[filter]]\nimage = \"xor\"\nparameters = { Key = \"hex:5B\" }\n[recover]\nvia = \"reader:right\"\n"),
             with_readers());
  EXPECT_EQ(report.recovered, Recovered::unreadable);
  EXPECT_THAT(report.recovered_detail, HasSubstr("what it gives back does not begin with a dump's header"));
}

TEST(Reader, ThatIsNowhereIsTheUsersMistake) {
  const scenario::Scenario scenario = scenario_of("[recover]\nvia = \"reader:nobody\"\n");
  EXPECT_THAT(mistake_of(scenario, with_readers()),
              AllOf(HasSubstr("test.toml: there is no reader \"nobody\" in "), HasSubstr(DUMPSIM_READERS)));
}

TEST(Reader, TakesTheDumpOffADisk) {
  ScratchFolder folder;
  const std::filesystem::path disk = folder / "disk.img";
  const std::string text = std::string(crash_text) + "[disk]\nbackend = \"raw\"\npath = \"disk.img\"\n";
  run_of(scenario_of(text, folder / "crash.toml"), with_readers());
  RecoverRequest request{.disk = disk, .output = folder / "MEMORY.DMP", .via_reader = "crashes"};
  auto refused = recover_disk(request, with_readers());
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, AllOf(HasSubstr("disk.img: reader crashes.so: "), HasSubstr("signal 11")));
  EXPECT_FALSE(std::filesystem::exists(request.output));
  request.via_reader = std::string(DUMPSIM_READERS) + "/right.so";
  auto done = recover_disk(request, with_readers());
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_THAT(*done, HasSubstr("recovered through the reader"));
  auto dump = dumpfile::DumpReader::open_file(request.output);
  ASSERT_TRUE(dump) << dump.error().message;
  const std::vector<dumpfile::PageRun> runs{{0, 64}};
  auto same = dumpfile::compare(*dump, *dumpfile::PageSet::of_runs(runs), *dumpfile::canary_source());
  ASSERT_TRUE(same);
  EXPECT_TRUE(same->identical()) << dumpfile::describe(*same);
}

}  // namespace
}  // namespace dumpsim::engine
