// SPDX-License-Identifier: Apache-2.0
// Each matcher of the kit holds where it should, fails where it should, and says then what a driver author has to know.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "dumpsim/matchers.hpp"

namespace {

using namespace dumpsim::matchers;  // NOLINT: what a filter's test does
using dumpsim::api::Machine;
using dumpsim::api::MachineOptions;
using dumpsim::api::Stack;
using dumpsim::api::Transfer;
using dumpsim::api::UsageError;
using dumpsim::api::Violation;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

const std::string filters = DUMPSIM_FILTERS "/";
const std::string bad_filters = DUMPSIM_BAD_FILTERS "/";

/// What EXPECT_THAT prints behind "Actual:", without the value.
template <class Matcher, class Value>
std::string explained(const Matcher& matcher, const Value& value) {
  testing::StringMatchResultListener listener;
  testing::SafeMatcherCast<const Value&>(matcher).MatchAndExplain(value, &listener);
  return listener.str();
}

template <class Value, class Matcher>
std::string described(const Matcher& matcher) {
  testing::Matcher<const Value&> cast(matcher);
  std::ostringstream text;
  cast.DescribeTo(&text);
  return text.str();
}

std::vector<std::byte> bytes_of(std::initializer_list<int> values) {
  std::vector<std::byte> bytes;
  for (const int value : values) bytes.push_back(static_cast<std::byte>(value));
  return bytes;
}

/// A run that went well, to be spoiled in one point.
dumpsim::api::Run good_run() {
  dumpsim::api::Run run;
  run.outcome = "completed";
  run.recovered = "identical";
  run.recovered_detail = "256 pages, through the filters";
  run.readable_sectors_counted = true;
  run.writes = 70;
  run.calls = {{"dump_x", "DriverEntry", 0, 1},
               {"dump_x", "DumpStart", 0, 1},
               {"dump_x", "DumpWrite", 0, 64},
               {"dump_x", "DumpFinish", 0, 1}};
  return run;
}

Violation mismatch_in(const std::string& filter) {
  return {.rule = "mdl.pfn-mismatch",
          .severity = "error",
          .filter = filter,
          .detail = "page 0 of the MDL",
          .callback = "DumpWrite",
          .count = 3,
          .hint = "change PFNs and addresses together"};
}

TEST(RunMatchers, HoldForAGoodRun) {
  const dumpsim::api::Run run = good_run();
  EXPECT_THAT(run, AllOf(Completed(), RecoveredIdentical(), Protects(), HasNoViolations(), HasNoErrors()));
  EXPECT_THAT(run, CallsInOrder("DriverEntry", "DumpWrite", "DumpFinish"));
  EXPECT_THAT(run, CallsInOrder("DumpWrite", "DumpWrite", "DumpFinish")) << "64 equal calls are one entry";
  EXPECT_THAT(run, Not(CallsInOrder("DumpFinish", "DumpFinish"))) << "and this one is a single call";
}

TEST(RunMatchers, SayHowARunEnded) {
  dumpsim::api::Run run = good_run();
  run.outcome = "bugchecked";
  run.outcome_detail = "dump_x in DumpWrite, its call 3: KeBugCheckEx(0x0000e0f1)";
  EXPECT_THAT(run, Not(Completed()));
  EXPECT_THAT(run, Ended("bugchecked"));
  EXPECT_THAT(explained(Completed(), run),
              AllOf(HasSubstr("it ended bugchecked: dump_x in DumpWrite"), HasSubstr("stopped the machine")));
  run.outcome = "stack-not-loaded";
  EXPECT_THAT(explained(Completed(), run), HasSubstr("DriverEntry failed, and the filter is critical"));
  run.outcome = "crashed";
  EXPECT_THAT(explained(Completed(), run), HasSubstr("run.evidence has the registers"));
  EXPECT_THAT(explained(Ended("hung"), good_run()), HasSubstr("the filter let the machine write its dump"));
  EXPECT_EQ(described<dumpsim::api::Run>(Completed()), "ended completed");
  EXPECT_EQ(described<dumpsim::api::Run>(Not(Completed())), "did not end completed");
}

TEST(RunMatchers, RefuseAnOutcomeThatDoesNotExist) {
  EXPECT_THAT([] { Ended("bugcheckd"); },
              testing::ThrowsMessage<UsageError>(AllOf(HasSubstr("\"bugcheckd\""), HasSubstr("bugchecked"))));
}

TEST(RunMatchers, SayWhyADumpIsNotIdentical) {
  dumpsim::api::Run run = good_run();
  run.recovered = "different";
  run.recovered_detail = "3 of 256 pages differ";
  EXPECT_THAT(run, Not(RecoveredIdentical()));
  EXPECT_THAT(explained(RecoveredIdentical(), run),
              AllOf(HasSubstr("different (3 of 256 pages differ)"), HasSubstr("DumpRead does not undo")));
  run.recovered = "unreadable";
  EXPECT_THAT(explained(RecoveredIdentical(), run), HasSubstr("DUMP_FILTER_FLAG_SYSTEM_SUPPORT_READ"));
  run.recovered = "not-tried";
  EXPECT_THAT(explained(RecoveredIdentical(), run), HasSubstr("there was nothing to recover"));
}

TEST(RunMatchers, SayWhatLiesReadable) {
  dumpsim::api::Run run = good_run();
  run.readable_sectors = 32;
  run.readable_examples = {"disk offset 0x120000 holds sector 0 of pfn 0x12"};
  EXPECT_THAT(run, Not(Protects()));
  EXPECT_THAT(explained(Protects(), run), AllOf(HasSubstr("32 sectors lie readable, the first: disk offset 0x120000"),
                                                HasSubstr("MmGetMdlByteCount")));
  run.disabled = {"dump_x"};
  EXPECT_THAT(explained(Protects(), run), HasSubstr("dump_x was disabled because of its status"));
}

TEST(RunMatchers, DoNotPassForWantOfEvidence) {
  dumpsim::api::Run run = good_run();
  run.readable_sectors_counted = false;
  EXPECT_THAT(run, Not(Protects())) << "nothing was counted";
  EXPECT_THAT(explained(Protects(), run), HasSubstr("filled with \"canary\""));
  run = good_run();
  run.writes = 0;
  EXPECT_THAT(run, Not(Protects())) << "nothing was written";
  EXPECT_THAT(explained(Protects(), run), HasSubstr("nothing was written"));
  EXPECT_THAT([] { CallsInOrder(); }, testing::Throws<UsageError>());
}

TEST(RunMatchers, SayWhichCallDidNotCome) {
  const dumpsim::api::Run run = good_run();
  EXPECT_THAT(run, Not(CallsInOrder("DumpStart", "DumpRead")));
  EXPECT_THAT(explained(CallsInOrder("DumpStart", "DumpRead"), run),
              AllOf(HasSubstr("DumpRead does not come after DumpStart"),
                    HasSubstr("DriverEntry, DumpStart, DumpWrite, DumpFinish"), HasSubstr("leaves NULL")));
  EXPECT_THAT(run, Not(CallsInOrder("DumpFinish", "DumpWrite"))) << "order matters";
  EXPECT_THAT(explained(CallsInOrder("DumpUnload"), run), HasSubstr("DumpUnload does not come at all"));
  EXPECT_EQ(described<dumpsim::api::Run>(CallsInOrder("DumpStart", "DumpWrite")),
            "calls DumpStart, DumpWrite in this order");
  EXPECT_THAT([] { CallsInOrder("DumpWrit"); },
              testing::ThrowsMessage<UsageError>(HasSubstr("did you mean \"DumpWrite\"?")));
}

TEST(ViolationMatchers, SayTheRuleItsPlaceAndTheWayOut) {
  dumpsim::api::Run run = good_run();
  run.violations = {mismatch_in("dump_x")};
  EXPECT_THAT(run, HasViolation("mdl.pfn-mismatch"));
  EXPECT_THAT(run, HasOnlyViolation("mdl.pfn-mismatch"));
  EXPECT_THAT(run.violations, HasViolation("mdl.pfn-mismatch"));
  EXPECT_THAT(run, Not(HasNoViolations()));
  EXPECT_THAT(run, Not(HasNoErrors()));
  EXPECT_THAT(explained(HasNoViolations(), run),
              AllOf(HasSubstr("1 rule was broken"), HasSubstr("error mdl.pfn-mismatch in dump_x's DumpWrite ×3"),
                    HasSubstr("change PFNs and addresses together")));
  EXPECT_THAT(run, Not(HasViolation("pool.leak")));
  EXPECT_THAT(explained(HasViolation("pool.leak"), run),
              AllOf(HasSubstr("rules broken: mdl.pfn-mismatch"), HasSubstr("is called in this test")));
  EXPECT_THAT(explained(HasOnlyViolation("pool.leak"), run),
              AllOf(HasSubstr("also: error mdl.pfn-mismatch"), HasSubstr("rules broken")));
  EXPECT_THAT(good_run(), Not(HasOnlyViolation("mdl.pfn-mismatch"))) << "nothing is not only this";
}

TEST(ViolationMatchers, LetWarningsBeWhereErrorsAreAskedFor) {
  dumpsim::api::Run run = good_run();
  run.violations = {mismatch_in("dump_x")};
  run.violations[0].severity = "warning";
  EXPECT_THAT(run, HasNoErrors());
  EXPECT_THAT(run, Not(HasNoViolations()));
}

TEST(ViolationMatchers, RefuseARuleThatDoesNotExist) {
  // Not(HasViolation("mdl.pfn-missmatch")) would hold for ever.
  EXPECT_THAT([] { HasViolation("mdl.pfn-missmatch"); },
              testing::ThrowsMessage<UsageError>(HasSubstr("did you mean \"mdl.pfn-mismatch\"?")));
  EXPECT_THAT([] { HasOnlyViolation("x"); }, testing::Throws<UsageError>());
}

TEST(TransferMatchers, SayWhereBytesPart) {
  Transfer transfer{.reached = true, .offset = 0x3000};
  transfer.data = std::vector<std::byte>(1024, std::byte{0x11});
  EXPECT_THAT(transfer, Carried(std::vector<std::byte>(1024, std::byte{0x11})));
  std::vector<std::byte> expected = transfer.data;
  expected[513] = std::byte{0xab};
  EXPECT_THAT(transfer, Not(Carried(expected)));
  EXPECT_THAT(explained(Carried(expected), transfer),
              AllOf(HasSubstr("at byte 513 (sector 1, byte 1 of it) ab 11"), HasSubstr("and it is 11 11")));
  EXPECT_THAT(explained(Carried(std::vector<std::byte>(512, std::byte{0x11})), transfer),
              HasSubstr("512 bytes were expected, 1024 came"));
  transfer.data = expected;
  transfer.port_status = static_cast<std::int32_t>(0xC0000015u);
  EXPECT_THAT(transfer, Not(Carried(expected))) << "they are on no disk";
  EXPECT_THAT(explained(Carried(expected), transfer),
              HasSubstr("the port failed with STATUS_NONEXISTENT_SECTOR: the bytes are on no disk"));
}

TEST(TransferMatchers, HoldForNothingThatDidNotGetThrough) {
  const Transfer transfer;
  EXPECT_THAT(transfer, Not(GotThrough()));
  EXPECT_THAT(transfer, Not(Carried({})));
  EXPECT_THAT(transfer, Not(LeftSourceUntouched()));
  EXPECT_THAT(transfer, Not(ChangedNothing()));
  EXPECT_THAT(transfer, Not(Changed("PFNs")));
  for (const std::string& said :
       {explained(GotThrough(), transfer), explained(Carried({}), transfer), explained(LeftSourceUntouched(), transfer),
        explained(ChangedNothing(), transfer), explained(Changed("PFNs"), transfer)}) {
    EXPECT_THAT(said, HasSubstr("nothing got through: a filter ended the stack (stack.ended()"));
  }
}

TEST(TransferMatchers, SayWhatChanged) {
  Transfer transfer{.reached = true};
  EXPECT_THAT(transfer, AllOf(GotThrough(), ChangedNothing(), LeftSourceUntouched(), Not(Changed("PFNs"))));
  transfer.changed = {"MappedSystemVa", "PFNs"};
  transfer.source_untouched = false;
  EXPECT_THAT(transfer, AllOf(Changed("PFNs"), Not(ChangedNothing()), Not(LeftSourceUntouched())));
  EXPECT_THAT(explained(Changed("DiskByteOffset"), transfer), HasSubstr("changed were: MappedSystemVa, PFNs"));
  EXPECT_THAT(explained(ChangedNothing(), transfer), HasSubstr("changed were: MappedSystemVa, PFNs"));
  EXPECT_THAT(explained(LeftSourceUntouched(), transfer), HasSubstr("into a buffer of your own"));
  EXPECT_THAT([] { Changed("Pfns"); },
              testing::ThrowsMessage<UsageError>(AllOf(HasSubstr("\"Pfns\""), HasSubstr("PFNs"))));
}

TEST(StatusMatchers, SpeakInNames) {
  EXPECT_THAT(0, Success());
  EXPECT_THAT(std::int32_t{0x103}, Success()) << "STATUS_PENDING is no failure";
  const auto unsuccessful = static_cast<std::int32_t>(0xC0000001u);
  EXPECT_THAT(unsuccessful, AllOf(Not(Success()), Status(0xC0000001u)));
  EXPECT_THAT(explained(Success(), unsuccessful),
              AllOf(HasSubstr("STATUS_UNSUCCESSFUL"), HasSubstr("lets the data go on in clear")));
  EXPECT_THAT(explained(Status(0), unsuccessful), HasSubstr("which is STATUS_UNSUCCESSFUL"));
  EXPECT_EQ(described<std::int32_t>(Status(0xC0000001u)), "is STATUS_UNSUCCESSFUL");
}

TEST(Printers, AreShortAndReadable) {
  dumpsim::api::Run run = good_run();
  run.violations = {mismatch_in("dump_x")};
  run.disabled = {"dump_x"};
  run.trace = std::string(100000, 'x');
  const std::string text = testing::PrintToString(run);
  EXPECT_EQ(
      text,
      "completed; recovered identical (256 pages, through the filters); 0 sectors readable on the disk; 70 writes\n"
      "  disabled: dump_x\n"
      "  calls: DriverEntry of dump_x, DumpStart of dump_x, DumpWrite of dump_x ×64, DumpFinish of dump_x\n"
      "  error mdl.pfn-mismatch in dump_x's DumpWrite ×3: page 0 of the MDL\n"
      "    change PFNs and addresses together");
  run.calls.assign(40, {"dump_x", "DumpRead", static_cast<std::int32_t>(0xC0000001u), 1});
  EXPECT_THAT(testing::PrintToString(run),
              AllOf(HasSubstr("DumpRead of dump_x -> STATUS_UNSUCCESSFUL"), HasSubstr("… 28 more")));
  run.violations.clear();
  EXPECT_THAT(testing::PrintToString(run), HasSubstr("no violations"));

  Transfer transfer{.reached = true, .status = 0, .offset = 0x3000, .data = bytes_of({1, 2, 3}), .changed = {"PFNs"}};
  EXPECT_EQ(testing::PrintToString(transfer),
            "STATUS_SUCCESS at partition offset 0x3000, 3 bytes (01 02 03), changed: PFNs");
  transfer.port_status = static_cast<std::int32_t>(0xC0000015u);
  EXPECT_EQ(
      testing::PrintToString(transfer),
      "STATUS_SUCCESS at partition offset 0x3000, the port failed with STATUS_NONEXISTENT_SECTOR, 3 bytes (01 02 03), "
      "changed: PFNs");
  transfer = {.status = static_cast<std::int32_t>(0xC0000001u), .source_untouched = false};
  EXPECT_EQ(testing::PrintToString(transfer), "STATUS_UNSUCCESSFUL at partition offset 0x0, nothing got through");
}

// ---- with real filters: the kit and the machine agree ----

TEST(Kit, SeesWhatARealFilterBreaks) {
  Machine machine;
  machine.add_filter(bad_filters + "mdl_pfn_mismatch.so");
  const dumpsim::api::Run run = machine.run();
  EXPECT_THAT(run, HasViolation("mdl.pfn-mismatch"));
  EXPECT_THAT(run, Not(HasNoViolations()));
  for (const Violation& violation : run.violations) {
    EXPECT_EQ(violation.callback, "DumpWrite");
    EXPECT_GT(violation.count, 0u);
    EXPECT_FALSE(violation.hint.empty());
  }
  machine.severity("mdl.pfn-mismatch", "off");
  EXPECT_THAT(machine.run(), Not(HasViolation("mdl.pfn-mismatch")));
  EXPECT_THAT([&] { machine.severity("mdl.pfn-mismatch", "loud"); },
              testing::ThrowsMessage<UsageError>(HasSubstr("\"warning\"")));
}

TEST(Kit, TellsHowARealRunEnded) {
  Machine machine;
  machine.add_filter(bad_filters + "null_dereference.so");
  const dumpsim::api::Run run = machine.run();
  EXPECT_THAT(run, Ended("crashed"));
  EXPECT_THAT(run.outcome_detail, HasSubstr("DumpWrite"));
  EXPECT_FALSE(run.evidence.empty());
}

TEST(Kit, ReadsTheDiskPastTheFilters) {
  constexpr std::array key{std::byte{0x5a}};
  Machine machine;
  machine.add_filter(filters + "xor.so").parameter("Key", key);
  Stack stack = machine.load();
  ASSERT_THAT(stack.start(), Success());
  const std::vector<std::byte> page(4096, std::byte{0x01});
  EXPECT_THAT(stack.write(0x2000, page),
              AllOf(Carried(std::vector<std::byte>(4096, std::byte{0x5b})), LeftSourceUntouched()));
  EXPECT_EQ(stack.disk(0x2000, 4096), std::vector<std::byte>(4096, std::byte{0x5b}));
  EXPECT_EQ(stack.disk(0x8000, 512), std::vector<std::byte>(512)) << "never written";
  EXPECT_THAT(stack.read(0x2000, 4096), Carried(page));
  EXPECT_THAT(stack, AllOf(StillRuns(), HasNoViolations()));
  EXPECT_THAT([&] { (void)stack.disk(0x2000, 100); }, testing::ThrowsMessage<UsageError>(HasSubstr("whole sectors")));
  EXPECT_THAT([&] { (void)stack.disk(std::uint64_t{1} << 50, 512); }, testing::Throws<UsageError>());
  stack.unload();
  EXPECT_THAT(stack, HasNoViolations());
}

TEST(Kit, HasOneStackInAProcess) {
  Machine machine;
  machine.add_filter(filters + "passthrough.so");
  const auto refused =
      testing::ThrowsMessage<UsageError>("a Stack is loaded in this process: destroy it before load() or run()");
  {
    Stack stack = machine.load();
    Machine another;
    EXPECT_THAT([&] { (void)another.load(); }, refused);
    EXPECT_THAT([&] { stack = machine.load(); }, refused);
    EXPECT_THAT([&] { (void)another.run(); }, refused);
    EXPECT_THAT(stack.start(), Success()) << "and the one that is there has not suffered";
    Stack moved = std::move(stack);
    EXPECT_THAT([&] { (void)another.run(); }, refused);
  }
  EXPECT_THAT(machine.run(), Completed());
  EXPECT_THAT([&] { (void)machine.load("hiber"); }, testing::Throws<UsageError>());
  Machine without_fragments(MachineOptions{.fragments = 0});
  without_fragments.add_filter(filters + "passthrough.so");
  EXPECT_THAT([&] { (void)without_fragments.load(); }, testing::Throws<UsageError>());
  EXPECT_THAT(machine.load().start(), Success()) << "a load that failed is no stack";
}

TEST(Kit, AddsNothingThatItRefuses) {
  Machine machine;
  for (int i = 0; i < 32; ++i) machine.add_filter(filters + "passthrough.so");
  const auto no_room = testing::ThrowsMessage<UsageError>(HasSubstr("there is room for 64 images"));
  EXPECT_THAT([&] { machine.add_filter(filters + "passthrough.so"); }, no_room);
  EXPECT_THAT([&] { machine.add_driver(filters + "passthrough.so"); }, no_room);
  const dumpsim::api::Run run = machine.run();
  EXPECT_THAT(run, Completed());
  std::uint64_t entered = 0;
  for (const dumpsim::api::Call& call : run.calls) entered += call.callback == "DriverEntry" ? call.count : 0;
  EXPECT_EQ(entered, 32u);
}

TEST(Kit, RefusesAWordAsTheCommandLineDoes) {
  MachineOptions options;
  options.profile = "windows-12";
  EXPECT_THAT([&] { Machine{options}; },
              testing::ThrowsMessage<UsageError>(
                  AllOf(HasSubstr("unknown profile \"windows-12\"; expected one of windows-7, windows-8.1"),
                        HasSubstr("did you mean \"windows-1"))));
  Machine machine;
  EXPECT_THAT([&] { machine.policy("read_ordr", "list"); },
              testing::ThrowsMessage<UsageError>("unknown policy \"read_ordr\"; did you mean \"read_order\"?"));
  EXPECT_THAT([&] { machine.policy("colour", "red"); },
              testing::ThrowsMessage<UsageError>(HasSubstr("expected one of max_pages_per_write, ")));
  EXPECT_THAT([&] { machine.add_filter("/nowhere/x.so"); },
              testing::ThrowsMessage<UsageError>("image /nowhere/x.so does not exist"));
  EXPECT_THAT([&] { machine.add_filter("x.so"); },
              testing::ThrowsMessage<UsageError>("image ./x.so does not exist; it is relative to the current folder"));
}

TEST(Kit, RefusesATransferThatNoWindowsAsksFor) {
  Machine machine;
  machine.add_filter(filters + "passthrough.so");
  Stack stack = machine.load();
  ASSERT_THAT(stack.start(), Success());
  const std::vector<std::byte> most(65536 + 3584);
  const auto writes = [&](std::uint64_t offset, std::size_t bytes, std::uint32_t byte_offset = 0) {
    return
        [&stack, &most, offset, bytes, byte_offset] { stack.write(offset, std::span(most).first(bytes), byte_offset); };
  };
  EXPECT_NO_THROW(writes(0x3000, 65536, 512)()) << "MaxPagesPerWrite counts the data's pages";
  EXPECT_THAT(
      writes(0x3000, 65536 + 3584, 512),
      testing::ThrowsMessage<UsageError>(HasSubstr(
          "a write of 69120 bytes at partition offset 0x3000: expected whole sectors of 512 bytes, at an offset of "
          "whole sectors, and at most 65536 bytes (MaxPagesPerWrite is 16)")));
  EXPECT_THAT(writes(0x3000, 100), testing::ThrowsMessage<UsageError>(HasSubstr("whole sectors")));
  EXPECT_THAT(writes(100, 512), testing::ThrowsMessage<UsageError>(HasSubstr("offset of whole sectors")));
  EXPECT_THAT(writes(0, 0), testing::Throws<UsageError>());
  EXPECT_THAT(writes(0, 512, 4096), testing::ThrowsMessage<UsageError>(HasSubstr("within a page, below 4096")));
  EXPECT_THAT([&] { stack.read(0, 100); }, testing::ThrowsMessage<UsageError>(HasSubstr("a read of 100 bytes")));
  EXPECT_THAT([&] { stack.read(100, 512); }, testing::Throws<UsageError>());
  EXPECT_THAT([&] { stack.read(0, SIZE_MAX); }, testing::Throws<UsageError>());
  EXPECT_THAT([&] { (void)stack.disk(0, SIZE_MAX); }, testing::Throws<UsageError>());
  EXPECT_THAT(stack, StillRuns());
}

TEST(Kit, TakesSectorsOfTheDisksOwnSize) {
  MachineOptions options;
  options.sector_size = 4096;
  Machine machine(options);
  machine.add_filter(filters + "passthrough.so");
  Stack stack = machine.load();
  ASSERT_THAT(stack.start(), Success());
  EXPECT_THAT(stack.write(0x3000, std::vector<std::byte>(4096)), Carried(std::vector<std::byte>(4096)));
  EXPECT_THAT([&] { stack.write(0x3000, std::vector<std::byte>(512)); },
              testing::ThrowsMessage<UsageError>(HasSubstr("whole sectors of 4096 bytes")));
  for (const std::uint32_t none : {0u, 1u, 1000u, 8192u}) {
    options.sector_size = none;
    EXPECT_THAT([&] { Machine{options}; }, testing::ThrowsMessage<UsageError>(HasSubstr("expected 512 or 4096 bytes")));
  }
}

TEST(Kit, SaysThatAFilterEndedAStack) {
  Machine machine;
  machine.add_filter(filters + "xor.so").parameter("Key", 0x5a5a5a5au);
  machine.policy("crash_mdl", "unmapped");  // which it is not prepared for
  Stack stack = machine.load();
  ASSERT_THAT(stack.start(), Success());
  const Transfer written = stack.write(0x1000, std::vector<std::byte>(512));
  EXPECT_THAT(stack, Not(StillRuns()));
  EXPECT_THAT(explained(StillRuns(), stack), HasSubstr("bugchecked"));
  EXPECT_THAT(testing::PrintToString(stack), HasSubstr("a filter ended: bugchecked"));
  EXPECT_THAT(explained(Carried(std::vector<std::byte>(4096)), written), HasSubstr("stack.ended()"));
  // Nor is what comes after it a success.
  const Transfer later = stack.write(0x2000, std::vector<std::byte>(512));
  const Transfer read = stack.read(0x2000, 512);
  for (const Transfer* transfer : {&written, &later, &read}) {
    EXPECT_THAT(*transfer, Not(GotThrough()));
    EXPECT_THAT(transfer->status, Status(0xC0000001u));
    EXPECT_THAT(transfer->port_status, Not(Success()));
    EXPECT_TRUE(transfer->data.empty());
  }
  EXPECT_EQ(later.offset, 0x2000u);
  EXPECT_THAT(stack.start(), Status(0xC0000001u));
  EXPECT_THAT(stack.finish(), Status(0xC0000001u));
}

TEST(Kit, TellsWhatThePortSaid) {
  Machine machine;
  machine.add_filter(filters + "passthrough.so");
  Stack stack = machine.load();
  ASSERT_THAT(stack.start(), Success());
  const std::uint64_t nowhere = std::uint64_t{1} << 50;
  const std::vector<std::byte> sector(512, std::byte{0x11});
  const Transfer written = stack.write(nowhere, sector);
  EXPECT_THAT(written, AllOf(GotThrough(), ChangedNothing(), Not(Carried(sector)))) << "the filter was passed";
  EXPECT_THAT(written.status, Success()) << "the filter's";
  EXPECT_THAT(written.port_status, Status(0xC0000015u));
  EXPECT_THAT(testing::PrintToString(written), HasSubstr("the port failed with STATUS_NONEXISTENT_SECTOR"));
  const Transfer read = stack.read(nowhere, 512);
  EXPECT_THAT(read, AllOf(Not(GotThrough()), Not(ChangedNothing())));
  EXPECT_TRUE(read.data.empty());
  EXPECT_THAT(read.status, Status(0xC0000015u));
  EXPECT_THAT(stack.write(0x3000, sector).port_status, Success());
  EXPECT_THAT(stack, StillRuns());
}

TEST(Kit, KeepsTheDiskOfARun) {
  Machine machine;
  machine.add_filter(filters + "passthrough.so").keep_disk();
  const dumpsim::api::Run run = machine.run();
  EXPECT_THAT(run, AllOf(Completed(), RecoveredIdentical(), Not(Protects())));
  ASSERT_GT(run.disk.size(), 0u);
  const auto boot = run.disk.read(0, 512);
  EXPECT_EQ(boot[510], std::byte{0x55}) << "the partition table";
  const std::string page = "PAGE";
  const auto at = run.disk.find(std::as_bytes(std::span(page)));
  ASSERT_TRUE(at.has_value()) << "a dump begins with it";
  EXPECT_GT(*at, run.disk.partition_offset());
  EXPECT_EQ(run.disk.read(*at, 4), bytes_of({'P', 'A', 'G', 'E'}));
  EXPECT_THAT(run.disk, Holds(std::as_bytes(std::span(page))));
  EXPECT_THAT(explained(Holds(std::as_bytes(std::span(page))), run.disk), HasSubstr("disk offset 0x1"));
  const auto nowhere = bytes_of({0xde, 0xad, 0xbe, 0xef, 0xfe, 0xed, 0xfa, 0xce, 0x01});
  EXPECT_THAT(run.disk, Not(Holds(nowhere)));
  EXPECT_THAT(explained(Holds(nowhere), run.disk), HasSubstr("nowhere on the disk"));
}

TEST(Kit, FindsWhatSpansTheEdgeOfWhatWasWritten) {
  Machine machine;
  machine.add_filter(filters + "passthrough.so").keep_disk();
  const dumpsim::api::Run run = machine.run();
  const std::string page = "PAGE";
  const auto dump = run.disk.find(std::as_bytes(std::span(page)));
  ASSERT_TRUE(dump.has_value());
  const auto around = run.disk.read(*dump - 4, 8);
  ASSERT_EQ(around, bytes_of({0, 0, 0, 0, 'P', 'A', 'G', 'E'})) << "nothing is written before the dump file";
  EXPECT_EQ(run.disk.find(around), *dump - 4);
}

TEST(Kit, RefusesToLookAtADiskThatIsNotThere) {
  const dumpsim::api::Run run;
  EXPECT_THAT([&] { (void)run.disk.read(0, 512); }, testing::ThrowsMessage<UsageError>(HasSubstr("keep_disk()")));
  EXPECT_THAT([&] { (void)run.disk.find(bytes_of({1})); },
              testing::ThrowsMessage<UsageError>(HasSubstr("keep_disk()")));
  Machine machine;
  machine.add_filter(filters + "passthrough.so").keep_disk();
  const dumpsim::api::Run kept = machine.run();
  EXPECT_THAT([&] { (void)kept.disk.read(kept.disk.size() - 1, 2); }, testing::Throws<UsageError>());
  EXPECT_THAT(
      [&] {
        (void)kept.disk.find(bytes_of({0, 0, 0}));
      },
      testing::ThrowsMessage<UsageError>(HasSubstr("zeros")));
  EXPECT_THAT([&] { (void)kept.disk.find({}); }, testing::Throws<UsageError>());
}

TEST(Kit, LivesOtherLivesThanACrash) {
  constexpr std::array key{std::byte{0x5a}};
  Machine machine;
  machine.add_filter(filters + "xor.so").parameter("Key", key);
  machine.timeline({"boot", "hibernate", "resume"});
  const dumpsim::api::Run run = machine.run();
  EXPECT_THAT(run,
              AllOf(Completed(), HasNoViolations(), CallsInOrder("DumpWrite", "DumpFinish", "DumpRead", "DumpUnload")));
  EXPECT_THAT([&] { machine.timeline({"resume"}); }, testing::ThrowsMessage<UsageError>(HasSubstr("hibernated")));
  EXPECT_THAT([&] { machine.timeline({"bot"}); },
              testing::ThrowsMessage<UsageError>(HasSubstr("did you mean \"boot\"?")));
}

TEST(Kit, LoadsTheStackOfHibernation) {
  constexpr std::array key{std::byte{0x5a}};
  Machine machine;
  machine.add_filter(filters + "xor.so").parameter("Key", key);
  Stack stack = machine.load("hibernation");
  ASSERT_THAT(stack.entry_status(), Success());
  ASSERT_THAT(stack.start(), Success());
  EXPECT_THAT(stack.write(0x4000, std::vector<std::byte>(512)), Changed("PFNs"));
  EXPECT_THAT(stack.trace(), HasSubstr("hiber_xor"));
  EXPECT_THAT(stack.trace(), Not(HasSubstr("dump_xor")));
  EXPECT_THAT([&] { (void)machine.load("hiber"); }, testing::ThrowsMessage<UsageError>(HasSubstr("\"hibernation\"")));
}

}  // namespace
