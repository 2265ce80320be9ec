// SPDX-License-Identifier: Apache-2.0
// What a run looks like to a person and to a program, to the byte: golden texts of reports made by hand, so that a
// change of wording is a change of this file. The trace's own text has its goldens in tests/trace.
#include "report/run_report.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "report/provider.hpp"
#include "trace/recorder.hpp"

namespace dumpsim::report {
namespace {

using engine::Report;
using nlohmann::ordered_json;
using scenario::Outcome;
using scenario::Recovered;
using testing::HasSubstr;
using testing::Not;

/// A trace of a few events, as a child leaves it.
Mapping small_trace() {
  auto block = Mapping::shared(trace::Recorder::minimum_bytes());
  if (!block) throw std::runtime_error(block.error().message);
  std::uint64_t clock = 0;
  trace::Recorder recorder(block->bytes(), &clock, {});
  recorder.timeline_step("boot");
  recorder.image_loaded(0, "dump_xor");
  recorder.ended("completed");
  return *std::move(block);
}

Report good() {
  Report report;
  report.title = "An example";
  report.file = "example.toml";
  report.recovered = Recovered::identical;
  report.recovered_detail = "identical (64 pages), raw";
  report.readable_sectors = 0;
  report.writes = 7;
  report.write_bytes = 270336;
  report.write_least = 4096;
  report.write_most = 65536;
  report.virtual_time = 1234;
  report.trace = small_trace();
  return report;
}

Report bad() {
  Report report = good();
  report.outcome = Outcome::crashed;
  report.outcome_detail = "dump_xor in DumpWrite, callback 17: read of null+0x10 at image dump_xor";
  report.evidence = "evidence (differs from run to run): read of 0x10\n";
  report.recovered = Recovered::not_tried;
  report.recovered_detail.clear();
  report.readable_sectors = 1512;
  report.readable_examples = {{DiskOffset{0x110000}, 0x12, 3}};
  report.findings = {{.rule = trace::Rule::write_buffer_modified,
                      .severity = trace::Severity::error,
                      .filter = "dump_xor",
                      .callback = trace::Callback::write,
                      .count = 1512,
                      .detail = "wrote to ram pfn 0x1, the memory that is being dumped",
                      .call = 3,
                      .offset = 0xe000,
                      .length = 65536,
                      .bytes = {.held = trace::Held::page,
                                .length = 3,
                                .at = 0x10,
                                .before = {std::byte{'C'}, std::byte{0x7f}, std::byte{'~'}},
                                .after = {std::byte{' '}, std::byte{0x1f}, std::byte{0xff}}},
                      .site = 0x1040,
                      .site_exact = true,
                      .function = "OnWrite",
                      .source = "xor/xor.c",
                      .line = 45,
                      .fingerprint = "00c0ffee00c0ffee",
                      .known = true},
                     {.rule = trace::Rule::irql_too_high,
                      .severity = trace::Severity::warning,
                      .count = 1,
                      .detail = "ExFreePool at IRQL 15"}};
  report.disabled = {"dump_xor"};
  report.policies = {"filter-failure = disable (windows-11: [assumed] as windows-7)"};
  report.debug_output = {{"dump_xor", "key loaded"}};
  report.redirected = 1;
  report.mismatches = {"outcome: expected completed, it is crashed", "writes: expected 9, 7 physical writes"};
  return report;
}

constexpr TextOptions without_trace{.colour = false, .trace = false};

Report asking() {
  Report report = good();
  report.asked = {{.driver = "dump_x", .device = "\\Device\\Main", .status = static_cast<std::int32_t>(0xC0000034)},
                  {.driver = "dump_x",
                   .device = "\\Device\\Other",
                   .opened = true,
                   .code = 0x222004,
                   .input = 1,
                   .output = 4,
                   .status = static_cast<std::int32_t>(0xC0000010)},
                  {.driver = "dump_x",
                   .device = "\\Device\\Other",
                   .opened = true,
                   .code = 0x2220FF,
                   .output = 4096,
                   .status = static_cast<std::int32_t>(0xC0000010)}};
  return report;
}

TEST(Text, NamesWhatWasAskedForInVain) {
  EXPECT_THAT(to_text(asking(), without_trace),
              HasSubstr("asked for and not there\n"
                        "  dump_x opened \\Device\\Main: STATUS_OBJECT_NAME_NOT_FOUND\n"
                        "  dump_x sent \\Device\\Other 0x222004 (FILE_DEVICE_UNKNOWN, function 0x801, METHOD_BUFFERED, "
                        "FILE_ANY_ACCESS), 1 byte in, 4 bytes out: STATUS_INVALID_DEVICE_REQUEST\n"));
  EXPECT_THAT(to_text(good(), without_trace), Not(HasSubstr("asked for")));
}

TEST(Provider, IsTheFrameOfWhatWasAskedFor) {
  EXPECT_EQ(to_provider(good()), "");
  EXPECT_THAT(to_provider(asking()),
              HasSubstr("\n[[device]]\n"
                        "name = '\\Device\\Main'\n"
                        "\n[[device]]\n"
                        "name = '\\Device\\Other'\n"
                        "\n[[device.reply]]  # asked by dump_x, 1 byte in, 4 bytes out\n"
                        "code = 0x00222004  # FILE_DEVICE_UNKNOWN, function 0x801, METHOD_BUFFERED, FILE_ANY_ACCESS\n"
                        "status = \"STATUS_SUCCESS\"\n"
                        "bytes = \"00 00 00 00\"\n"
                        "\n[[device.reply]]  # asked by dump_x, 0 bytes in, 4,096 bytes out\n"
                        "code = 0x002220ff  # FILE_DEVICE_UNKNOWN, function 0x83f, METHOD_NEITHER, FILE_ANY_ACCESS\n"
                        "status = \"STATUS_SUCCESS\"\n"
                        "file = \"reply-2220ff.bin\"  # 4096 bytes\n"));
}

TEST(Text, OfARunAsExpected) {
  EXPECT_EQ(
      to_text(good(), without_trace),
      "An example\n"
      "\n"
      "as expected  completed; recovered identical (identical (64 pages), raw); 0 sectors readable on the disk\n");
}

TEST(Text, OfARunThatWentWrong) {
  const std::string text = to_text(bad(), without_trace);
  const trace::RuleRow& modified = trace::row_of(trace::Rule::write_buffer_modified);
  const trace::RuleRow& irql = trace::row_of(trace::Rule::irql_too_high);
  const std::string expected =
      "An example\n"
      "\n"
      "error write.buffer-modified  dump_xor in DumpWrite, 1,512 times, first in call 3: 64 KiB at 0xe000, known\n"
      "  at xor/xor.c:45, in OnWrite\n"
      "  " +
      std::string(modified.summary) +
      "\n"
      "  wrote to ram pfn 0x1, the memory that is being dumped\n"
      "  from byte 0x10 of the page on\n"
      "    before  43 7f 7e                                         C.~\n"
      "    after   20 1f ff                                          ..\n"
      "  hint: " +
      std::string(modified.hint) +
      "\n"
      "  " +
      std::string(modified.evidence) +
      "\n"
      "\n"
      "warning irql.too-high  the stack\n"
      "  " +
      std::string(irql.summary) +
      "\n"
      "  ExFreePool at IRQL 15\n"
      "  hint: " +
      std::string(irql.hint) +
      "\n"
      "  " +
      std::string(irql.evidence) +
      "\n"
      "\n"
      "evidence (differs from run to run): read of 0x10\n"
      "\n"
      "1,512 sectors of memory in clear on the disk; the first: disk offset 0x110000 holds sector 3 of pfn 0x12\n"
      "\n"
      "this rests on\n"
      "  filter-failure = disable (windows-11: [assumed] as windows-7)\n"
      "\n"
      "crashed: dump_xor in DumpWrite, callback 17: read of null+0x10 at image dump_xor\n"
      "NOT AS EXPECTED  crashed; 1,512 sectors readable on the disk; 1 write redirected\n"
      "  outcome: expected completed, it is crashed\n"
      "  writes: expected 9, 7 physical writes\n";
  EXPECT_EQ(text, expected);
}

TEST(Text, HasColoursOnlyWhenAsked) {
  for (const bool trace : {false, true}) {
    EXPECT_THAT(to_text(bad(), {.colour = false, .trace = trace}), Not(HasSubstr("\x1b")));
  }
  const std::string text = to_text(bad(), {.colour = true, .trace = false});
  EXPECT_THAT(text, HasSubstr("\x1b[1;31mNOT AS EXPECTED\x1b[0m"));
  EXPECT_THAT(text, HasSubstr("\x1b[1;31merror\x1b[0m"));
  EXPECT_THAT(text, HasSubstr("\x1b[33mwarning\x1b[0m"));
  EXPECT_THAT(to_text(good(), {.colour = true, .trace = false}), HasSubstr("\x1b[1;32mas expected\x1b[0m"));
  // Colours are all there is between the two.
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\x1b') {
      i = text.find('m', i);
    } else {
      plain += text[i];
    }
  }
  EXPECT_EQ(plain, to_text(bad(), without_trace));
}

TEST(Text, HoldsTheTraceWhenAsked) {
  EXPECT_THAT(to_text(good(), {}), HasSubstr("dump_xor"));
  EXPECT_THAT(to_text(good(), without_trace), Not(HasSubstr("dump_xor")));
}

TEST(Text, WithoutATitleBeginsWithTheVerdict) {
  Report report = good();
  report.title.clear();
  EXPECT_EQ(to_text(report, without_trace).rfind("\nas expected", 0), 0u);
}

TEST(Line, IsOneForAGoodRunAndMoreForMismatches) {
  EXPECT_EQ(to_line(good(), without_trace),
            "ok      example.toml  completed; recovered identical (identical (64 pages), raw); 0 sectors readable on "
            "the disk\n");
  EXPECT_EQ(to_line(bad(), without_trace),
            "FAILED  example.toml  crashed; 1,512 sectors readable on the disk; 1 write redirected\n"
            "          outcome: expected completed, it is crashed\n"
            "          writes: expected 9, 7 physical writes\n");
  EXPECT_THAT(to_line(bad(), {.colour = true}), HasSubstr("\x1b[1;31mFAILED\x1b[0m"));
}

TEST(Json, HasEveryKeyInItsOrder) {
  const std::string text = to_json(bad());
  const ordered_json json = ordered_json::parse(text, nullptr, false);
  ASSERT_TRUE(json.is_object()) << text;
  std::vector<std::string> keys;
  for (const auto& [key, value] : json.items()) keys.push_back(key);
  EXPECT_THAT(keys, testing::ElementsAre("file", "title", "as_expected", "mismatches", "outcome", "outcome_detail",
                                         "recovered", "recovered_detail", "volume_path", "volume_path_detail",
                                         "readable_sectors_on_disk", "readable_examples", "violations", "disabled",
                                         "rests_on", "writes", "redirected", "pages_added", "pages_removed",
                                         "secondary_data", "debug_output", "asked_for_and_not_there", "memory_use",
                                         "virtual_time_100ns", "kernel_stack", "stack_use", "evidence"));
  EXPECT_EQ(json["as_expected"], false);
  EXPECT_EQ(json["outcome"], "crashed");
  EXPECT_EQ(json["recovered"], "not-tried");
  EXPECT_EQ(json["readable_sectors_on_disk"], 1512);
  EXPECT_EQ(json["readable_examples"], ordered_json::parse(R"([{"disk_offset":1114112,"pfn":18,"sector":3}])"));
  EXPECT_EQ(json["violations"].size(), 2u);
  EXPECT_EQ(
      json["violations"][0],
      ordered_json::parse(R"({"rule":"write.buffer-modified","severity":"error","filter":"dump_xor",)"
                          R"("callback":"DumpWrite","count":1512,)"
                          R"("detail":"wrote to ram pfn 0x1, the memory that is being dumped",)"
                          R"("call":3,"transfer":{"offset":57344,"length":65536},)"
                          R"("bytes":{"from":"byte 0x10 of the page","before":"43 7f 7e","after":"20 1f ff"},)"
                          R"("function":"OnWrite","source":"xor/xor.c","line":45,"fingerprint":"00c0ffee00c0ffee",)"
                          R"("declared":false,"known":true,"history":[]})"));
  EXPECT_TRUE(json["violations"][1]["transfer"].is_null());
  EXPECT_TRUE(json["violations"][1]["bytes"].is_null());
  EXPECT_EQ(json["disabled"], ordered_json::parse(R"(["dump_xor"])"));
  EXPECT_EQ(json["writes"], ordered_json::parse(R"({"count":7,"bytes":270336,"least":4096,"most":65536})"));
  EXPECT_EQ(json["debug_output"], ordered_json::parse(R"([{"filter":"dump_xor","text":"key loaded"}])"));
  EXPECT_EQ(json["mismatches"].size(), 2u);
  EXPECT_EQ(text.back(), '\n');
}

TEST(Json, SaysNullWhereNothingWasCounted) {
  Report report = good();
  report.readable_sectors.reset();
  EXPECT_TRUE(ordered_json::parse(to_json(report))["readable_sectors_on_disk"].is_null());
  EXPECT_EQ(ordered_json::parse(to_json(good()))["readable_sectors_on_disk"], 0);
  EXPECT_EQ(ordered_json::parse(to_json(good()))["as_expected"], true);
}

TEST(Json, StandsBytesThatAreNoText) {
  Report report = good();
  report.debug_output = {{"dump_x", "\xff\xfe\x01 \"quoted\"\n"}};
  report.title = "\xc3";
  const ordered_json json = ordered_json::parse(to_json(report), nullptr, false);
  ASSERT_TRUE(json.is_object());
  EXPECT_THAT(json["debug_output"][0]["text"].get<std::string>(), HasSubstr("\"quoted\"\n"));
}

}  // namespace
}  // namespace dumpsim::report
