// SPDX-License-Identifier: Apache-2.0
// What people read, against a golden file that was looked at, and the corners that one life does not show.
#include "trace/text.hpp"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>

#include "sample.hpp"
#include "trace/reader.hpp"
#include "trace/utf8.hpp"

namespace dumpsim::trace {
namespace {

using test::success;
using test::write_step;
using ::testing::HasSubstr;
using ::testing::Not;

std::string text_of(const std::function<void(Recorder&, std::uint64_t&)>& life, TextOptions options = {}) {
  const test::Block block(1 << 20);
  std::uint64_t clock = 0;
  Recorder recorder(block.bytes(), &clock, {});
  life(recorder, clock);
  recorder.settle();
  const auto view = TraceView::open(block.bytes());
  return view ? to_text(*view, options) : view.error().message;
}

TEST(Text, TheGoldenLife) {
  std::ifstream file(std::filesystem::path(DUMPSIM_TESTS) / "trace/golden/sample.txt", std::ios::binary);
  const std::string golden((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  ASSERT_FALSE(golden.empty());
  EXPECT_EQ(text_of([](Recorder& r, std::uint64_t& clock) { test::record_sample(r, clock, 1024); }), golden);
  // Control: one page less is another text.
  EXPECT_NE(text_of([](Recorder& r, std::uint64_t& clock) { test::record_sample(r, clock, 1023); }), golden);
}

TEST(Text, ASingleLineStepSaysHowManyMore) {
  const std::string text = text_of([](Recorder& r, std::uint64_t&) {
    for (std::uint64_t i = 0; i < 1024; ++i) {
      r.begin_step();
      r.port_write(success, 0x100000 + i * 65536, 65536);
      r.end_step();
    }
  });
  EXPECT_THAT(text, HasSubstr("… 1,023 more, 65472 KiB, to 0x4100000\n"));
}

TEST(Text, AStepTooLongToCountIsNamed) {
  const std::string text = text_of([](Recorder& r, std::uint64_t&) {
    for (int i = 0; i < 2; ++i) {
      r.begin_step();
      for (int k = 0; k < 2000; ++k) r.irql_changed(0, 0, 2);
      r.end_step();
    }
  });
  EXPECT_THAT(text, HasSubstr("… 1 more like the step above\n"));
}

TEST(Text, AnUnfinishedCallEndsWithItsFault) {
  const std::string text = text_of([](Recorder& r, std::uint64_t&) {
    r.crash_started(0xe2, {});
    r.image_loaded(0, "dump_xor");
    r.callback_entered(0, Callback::write, 15, 512, 0x200, 0, 3);
    r.fault(0, Callback::write, FaultKind::access, "read at 0x0");
    r.ended("crashed");
  });
  EXPECT_EQ(text,
            "crash 0x000000e2 MANUALLY_INITIATED_CRASH\n"
            "  loaded             dump_xor\n"
            "  DumpWrite          dump_xor            0x200    512 B  mdl#3\n"
            "    ! fault (access) in dump_xor's DumpWrite: read at 0x0\n"
            "ended: crashed\n");
}

TEST(Text, AColdEndShowsTheCallThatWaits) {
  const std::string text = text_of([](Recorder& r, std::uint64_t&) { r.callback_entered(3, Callback::finish, 15); });
  EXPECT_EQ(text, "DumpFinish           image#3\n");
}

TEST(Text, ColoursOnlyOnRequestAndOnlyForWhatIsWrong) {
  const auto life = [](Recorder& r, std::uint64_t&) {
    r.reboot();
    r.violation(0, Callback::none, Rule::pool_leak, Severity::error, "x");
    r.filter_disabled(0, Callback::write, test::unsuccessful);
  };
  EXPECT_THAT(text_of(life), Not(HasSubstr("\x1b")));
  const std::string coloured = text_of(life, {.colour = true});
  EXPECT_THAT(coloured, HasSubstr("reboot\n  \x1b[31m! error pool.leak in image#0: x\x1b[0m\n  \x1b[33m! image#0 is"));
}

TEST(Text, ADriverCannotSteerTheTerminal) {
  const std::string text = text_of([](Recorder& r, std::uint64_t&) {
    r.debug_print(0, 0,
                  "a\x1b[2J\nb\xff\xc2\x9b"
                  "c\xe2\x80\xae\n");
  });
  EXPECT_THAT(text, HasSubstr("\"a\\x1b[2J\\nb\xef\xbf\xbd\\x9bc\\u{202e}\"\n"));
}

TEST(Text, ALoggedErrorSaysAllThatWasLogged) {
  const std::string text = text_of([](Recorder& r, std::uint64_t&) {
    r.error_logged(0, 0xC0040001, test::unsuccessful, 7, "\\Device\\Main", "\"a\", dump data 0x1");
    r.error_logged(0, 0x40040002, 0, 7, "\\Driver\\main", "");
  });
  EXPECT_THAT(text, HasSubstr("logs the error 0xc0040001 of \\Device\\Main: \"a\", dump data 0x1"));
  EXPECT_THAT(text, HasSubstr("STATUS_UNSUCCESSFUL"));
  EXPECT_THAT(text, HasSubstr("logs the error 0x40040002 of \\Driver\\main\n"));
}

TEST(Text, ANoteStandsAtTheEnd) {
  const test::Block block(1 << 20);
  std::uint64_t clock = 0;
  Recorder recorder(block.bytes(), &clock, {});
  recorder.reboot();
  block.header().written += 64;
  std::fill_n(block.bytes().data() + block.header().records_at + 64, 64, std::byte{0});
  const auto view = TraceView::open(block.bytes());
  ASSERT_TRUE(view);
  EXPECT_EQ(to_text(*view), "reboot\n… record 1 at byte 64 is garbled, cut before it\n");
}

TEST(Utf8, IsCutAtCharactersAndChecked) {
  EXPECT_EQ(utf8_prefix("grün", 3), "gr");
  EXPECT_EQ(utf8_prefix("grün", 4), "grü");
  EXPECT_EQ(utf8_prefix("\x80\x80\x80\x80\x80\x80", 5), "\x80\x80");
  EXPECT_EQ(valid_utf8("\xc0\x80"), "\xef\xbf\xbd\xef\xbf\xbd") << "overlong";
  EXPECT_EQ(valid_utf8("\xed\xa0\x80").find("\xed"), std::string::npos) << "surrogate";
  EXPECT_EQ(valid_utf8("\xf0\x9f\x92\xbe ok\n"), "\xf0\x9f\x92\xbe ok\n");
  EXPECT_EQ(printable("\\x\x7f"), "\\x\\x7f");
}

}  // namespace
}  // namespace dumpsim::trace
