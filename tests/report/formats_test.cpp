// SPDX-License-Identifier: Apache-2.0
// Every report format to the byte: one job with one of everything, and a golden file a format. What their readers
// demand is checked on the program's own output by program_reports.py.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>

#include "report/fingerprint.hpp"
#include "report/history.hpp"
#include "report/job.hpp"
#include "report/places.hpp"
#include "report/rule_examples.hpp"
#include "report/rule_topics.hpp"
#include "trace/recorder.hpp"

namespace dumpsim::report {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::string read_file(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

Found found(std::string rule, std::string severity) {
  return {.rule = std::move(rule),
          .severity = std::move(severity),
          .filter = "dump_xor",
          .callback = "DumpWrite",
          .who = "dump_xor in DumpWrite",
          .count = 1,
          .detail = "wrote to ram pfn 0x1, the memory that is being dumped",
          .fingerprint = "00c0ffee00c0ffee"};
}

/// One of everything: a run as it should be, one that is not, one that could not be run.
Job job() {
  Job job{.version = "1.2.3", .command_line = "dumpsim run --report junit=a.xml *.toml", .exit_code = 2};
  job.entries.push_back({.path = "good.toml",
                         .command = "dumpsim run good.toml",
                         .seed = "memory 1, dump file 1",
                         .text = "Good\n\nas expected  completed\n",
                         .json = R"({"file":"good.toml"})",
                         .exercised = {"rules: write.buffer-modified"}});
  Entry bad{.verdict = Entry::Verdict::not_as_expected,
            .path = "drivers/a b/bad,100%.toml",
            .command = "dumpsim run 'drivers/a b/bad,100%.toml'",
            .seed = "memory 1, dump file 3",
            .text = "prints \x1b[31m\r and \x01 and ]]> and ünïcode \xef\xbf\xbf\n",
            .json = R"({"file":"bad.toml"})",
            .mismatches = {"violations: write.buffer-modified by dump_xor in DumpWrite",
                           "outcome: expected completed, "
                           "it is crashed\nat 50%"},
            .other_mismatches = {"outcome: expected completed, it is crashed\nat 50%"}};
  Found first = found("write.buffer-modified", "error");
  first.count = 1512;
  first.times = ", 1,512 times, first in call 3: 64 KiB at 0xe000";
  first.bytes = {"from byte 0x10 of the page on", "  before  43", "  after   20"};
  first.function = "OnWrite";
  first.source = "drivers/xor.c";
  first.line = 45;
  first.history = {{"boot", 0}, {"DumpWrite of dump_xor: 8 KiB at 0xb000", 0}, {"write.buffer-modified: wrote", 1}};
  Found known = found("irql.too-high", "warning");
  known.known = known.in_baseline = true;
  known.mdl_shape = "mapped";
  Found declared = found("pool.leak", "warning");
  declared.declared = true;
  Found found_later = found("mdl.flags-changed", "information");
  found_later.callback = "none";
  found_later.who = "dump_xor";
  bad.findings = {first, known, declared, found_later};
  job.entries.push_back(bad);
  job.entries.push_back({.verdict = Entry::Verdict::mistake,
                         .path = "/elsewhere/wrong.toml",
                         .error = "/elsewhere/wrong.toml:2:1: unknown key \"a\"\nand more",
                         .line = 2});
  job.coverage = {.rows = {{"rules", 1, 3, {"a.b", "c.d"}}}, .exercised = 1, .of = 3};
  job.baseline = BaselineAccount{.known = 1, .added = 2, .gone = {"pool.leak by old in DumpUnload: old.toml"}};
  return job;
}

/// What SARIF says of the rules is the manual's, and both it and their numbers change with each new rule.
std::string without_rules(std::string text) {
  const std::size_t from = text.find("\"rules\": [");
  const std::size_t to = text.find("\n          ]\n", from);
  if (from != std::string::npos) text.replace(from, to - from, "\"rules\": [");
  return std::regex_replace(text, std::regex("\"ruleIndex\": [0-9]+"), "\"ruleIndex\": \"of the rule\"");
}

TEST(Formats, WriteWhatTheirGoldenFilesHold) {
  for (const FormatRow& format : all_formats()) {
    std::string name = "formats.";
    name += format.name;
    const std::string golden = std::string(DUMPSIM_TESTS "/report/golden/") + name;
    const std::string text = without_rules(format.write(job()));
    std::ofstream(name) << text;
    EXPECT_EQ(text, read_file(golden)) << "if this change is meant: cp " << std::filesystem::absolute(name) << " "
                                       << golden;
  }
}

TEST(Formats, AreFoundByName) {
  for (const FormatRow& format : all_formats()) EXPECT_EQ(find_format(format.name), &format);
  EXPECT_EQ(find_format("xml"), nullptr);
}

TEST(Formats, StandAJobWithoutScenarios) {
  for (const FormatRow& format : all_formats()) {
    if (format.name != "github") {
      EXPECT_THAT(format.write({}), HasSubstr("dumpsim")) << format.name;
    }
  }
  EXPECT_EQ(to_github({}), "");
}

TEST(Entries, ComeBackFromTheirWay) {
  for (const Entry& entry : job().entries) EXPECT_TRUE(*unpack(pack(entry)) == entry) << pack(entry);
  EXPECT_EQ(unpack(pack({.command = "dumpsim run bad\xff.toml"}))->command, "dumpsim run bad\xef\xbf\xbd.toml");
  EXPECT_FALSE(unpack("{}"));
  EXPECT_FALSE(unpack("no json"));
}

TEST(Entries, OfAMistakeStandWhereItIs) {
  const Places places{.root = "/repo", .here = "/repo"};
  EXPECT_EQ(failed_entry("a.toml", "a.toml:12:3: unknown key", false, places).line, 12u);
  EXPECT_EQ(failed_entry("a.toml", "a.toml: cannot be opened", false, places).line, 1u);
  EXPECT_EQ(failed_entry("a.toml", "out of memory", true, places).verdict, Entry::Verdict::host_failure);
}

TEST(Places, AreSeenFromTheTopOfTheRepository) {
  const Places places{.root = "/home/me/repo", .here = "/home/me/repo/drivers"};
  EXPECT_EQ(places.of_argument("a.toml"), "drivers/a.toml");
  EXPECT_EQ(places.of_argument("../b/./a.toml"), "b/a.toml");
  EXPECT_EQ(places.of_argument("/home/me/repo/a.toml"), "a.toml");
  EXPECT_EQ(places.of_argument("../../other/a.toml"), "/home/me/other/a.toml");
  EXPECT_EQ(places.of_argument("/home/me/repository/a.toml"), "/home/me/repository/a.toml");
  EXPECT_EQ(places.of_source("drivers/./xor.c"), "drivers/xor.c");
  EXPECT_EQ(places.of_source("/home/me/repo/drivers/xor.c"), "drivers/xor.c");
  EXPECT_EQ(places.of_source(""), "");
}

TEST(Places, AreWrittenAsUriAndForAShell) {
  EXPECT_EQ(uri_of("a b/c#d%.toml"), "a%20b/c%23d%25.toml");
  EXPECT_EQ(uri_of("/a/ü"), "file:///a/%C3%BC");
  EXPECT_EQ(shell_word("a/b-c.toml"), "a/b-c.toml");
  EXPECT_EQ(shell_word("it's"), "'it'\\''s'");
  EXPECT_EQ(shell_word(""), "''");
}

engine::Finding finding(trace::Rule rule, std::string filter, std::string function, std::uint32_t line) {
  engine::Finding one{.rule = rule, .filter = std::move(filter), .callback = trace::Callback::write, .count = 1};
  if (!function.empty()) one.source = "drivers/xor.c";
  one.function = std::move(function);
  one.line = line;
  return one;
}

std::vector<std::string> names_of(std::vector<engine::Finding> findings, const char* file = "a.toml") {
  engine::Report report;
  report.file = file;
  report.findings = std::move(findings);
  return fingerprints(report, {.root = "/repo", .here = "/repo"});
}

TEST(Fingerprints, CountWhatAndWhereAndNothingElse) {
  using trace::Rule;
  const std::string one = names_of({finding(Rule::pool_leak, "dump_xor", "OnWrite", 45)})[0];
  EXPECT_EQ(one.size(), 16u);
  engine::Finding changed = finding(Rule::pool_leak, "hiber_xor", "OnWrite", 99);
  changed.count = 7;
  changed.detail = "other words";
  changed.severity = trace::Severity::warning;
  changed.source = "/repo/drivers/xor.c";
  EXPECT_THAT(names_of({changed}, "b.toml"), ElementsAre(one))
      << "line, words, count, instance, scenario count nothing";
  EXPECT_NE(names_of({finding(Rule::pool_leak, "dump_xor", "OnRead", 45)})[0], one);
  EXPECT_NE(names_of({finding(Rule::pool_leak, "dump_aes", "OnWrite", 45)})[0], one);
  EXPECT_NE(names_of({finding(Rule::pool_bad_free, "dump_xor", "OnWrite", 45)})[0], one);
}

TEST(Fingerprints, TakeTheScenarioWhereThePlaceIsNotKnown) {
  const engine::Finding somewhere = finding(trace::Rule::pool_leak, "dump_xor", "", 0);
  EXPECT_EQ(names_of({somewhere}), names_of({somewhere}));
  EXPECT_NE(names_of({somewhere}, "a.toml"), names_of({somewhere}, "b.toml"));
}

TEST(Fingerprints, TellTwoPlacesOfOneFunctionApart) {
  const engine::Finding first = finding(trace::Rule::pool_leak, "dump_xor", "OnWrite", 45);
  const engine::Finding second = finding(trace::Rule::pool_leak, "dump_xor", "OnWrite", 50);
  const std::vector<std::string> both = names_of({first, second});
  EXPECT_NE(both[0], both[1]);
  EXPECT_EQ(names_of({second})[0], both[0]) << "one alone is the first, wherever it stands";
}

Mapping recorded(const std::function<void(trace::Recorder&)>& work) {
  auto block = Mapping::shared(trace::Recorder::minimum_bytes() + (std::uint64_t{1} << 20));
  if (!block) throw std::runtime_error(block.error().message);
  std::uint64_t clock = 0;
  trace::Recorder recorder(block->bytes(), &clock, {.fold = false});
  work(recorder);
  return *std::move(block);
}

TEST(History, LeadsFromTheBootToTheViolation) {
  const Mapping block = recorded([](trace::Recorder& recorder) {
    recorder.timeline_step("boot");
    recorder.image_loaded(0, "dump_xor");
    recorder.violation(0, trace::Callback::write, trace::Rule::pool_leak, "another one");
    recorder.violation(0, trace::Callback::write, trace::Rule::irql_too_high, "too \x1b high");
    recorder.timeline_step("crash");
  });
  const auto view = trace::TraceView::open(block.bytes());
  ASSERT_TRUE(view);
  std::vector<engine::Finding> found{
      {.rule = trace::Rule::irql_too_high, .filter = "dump_xor", .callback = trace::Callback::write}};
  found[0].detail = "too \\x1b high";
  found.push_back(found[0]);
  std::vector<std::string> words;
  for (const Step& step : history_of(*view, found, 0)) words.push_back(step.words);
  EXPECT_THAT(words, ElementsAre("boot", "dump_xor loaded", "pool.leak: another one", "irql.too-high: too \\x1b high"));
  EXPECT_THAT(history_of(*view, found, 1), IsEmpty()) << "the trace holds the first of two places";
  found[0].filter = "dump_other";
  EXPECT_THAT(history_of(*view, found, 0), IsEmpty());
}

TEST(History, IsCutInTheMiddle) {
  const Mapping block = recorded([](trace::Recorder& recorder) {
    recorder.image_loaded(0, "dump_xor");
    for (int i = 0; i < 100; ++i) recorder.timeline_step("step " + std::to_string(i));
    recorder.violation(0, trace::Callback::write, trace::Rule::pool_leak, "at last");
  });
  const auto view = trace::TraceView::open(block.bytes());
  std::vector<engine::Finding> found{
      {.rule = trace::Rule::pool_leak, .filter = "dump_xor", .callback = trace::Callback::write}};
  found[0].detail = "at last";
  const std::vector<Step> steps = history_of(*view, found, 0);
  ASSERT_EQ(steps.size(), longest_history);
  EXPECT_EQ(steps[15].words, "step 14");
  EXPECT_EQ(steps[16].words, "… 39 more steps");
  EXPECT_EQ(steps[17].words, "step 54");
  EXPECT_EQ(steps.back().words, "pool.leak: at last");
}

TEST(Topics, ThereIsOneForEachRuleAndARuleForEach) {
  for (const trace::RuleRow& row : trace::all_rules()) {
    EXPECT_NE(find_topic(topic_of(row.slug)), nullptr)
        << row.slug << ": simulator/report/rule_topics.cpp has no row of the topic " << topic_of(row.slug);
  }
  for (const TopicRow& row : all_topics()) {
    EXPECT_FALSE(row.chance.empty()) << row.topic;
    if (row.topic.find('.') != std::string_view::npos) {
      EXPECT_TRUE(trace::find_rule(row.topic)) << row.topic << " is no rule, and has a row as one";
    } else {
      EXPECT_FALSE(row.title.empty()) << row.topic;
    }
  }
  EXPECT_EQ(row_for("pool.leak")->topic, "pool.leak");
  EXPECT_EQ(row_for("pool.invented")->topic, "pool");
  EXPECT_EQ(row_for("invented.rule"), nullptr);
}

TEST(Examples, EachRuleHasOne) {
  for (const trace::RuleRow& row : trace::all_rules())
    EXPECT_TRUE(example_of(row.slug)) << row.slug
                                      << ": docs/rules.md has no example: blocks of C code behind \"Wrong:\" "
                                      << "and \"Right:\"";
  EXPECT_EQ(manual_of_rules(), read_file(DUMPSIM_TESTS "/../docs/rules.md"))
      << "the program was built from another one";
}

TEST(Examples, AreReadFromTheirOwnSection) {
  const std::string manual =
      "# Rules\n\n## a.b\n\nWrong:\n\n```c\nint x;\n```\n\n## c.d\n\nWrong:\n\n```c\nint "
      "y;\n```\n\nRight:\n\n```c\nint "
      "z;\n\nint w;\n```\n";
  EXPECT_FALSE(example_of("a.b", manual));
  EXPECT_FALSE(example_of("e.f", manual));
  ASSERT_TRUE(example_of("c.d", manual));
  EXPECT_EQ(example_of("c.d", manual)->wrong, "int y;\n");
  EXPECT_EQ(example_of("c.d", manual)->right, "int z;\n\nint w;\n");
}

}  // namespace
}  // namespace dumpsim::report
