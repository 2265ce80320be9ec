// SPDX-License-Identifier: Apache-2.0
// The recorder against its contract: what folds and what does not, tallies that stay exact, what is left when the block
// is full or the process dies between two instructions.
#include "trace/recorder.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "sample.hpp"
#include "trace/reader.hpp"

namespace dumpsim::trace {
namespace {

using test::Block;
using test::mdl_mapped;
using test::success;
using test::unsuccessful;
using test::write_step;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

struct Recording {
  explicit Recording(RecorderOptions options = {}, std::size_t bytes = 1 << 20)
      : block(bytes), recorder(block.bytes(), &clock, options) {}
  TraceView view() {
    recorder.settle();
    return as_it_is();
  }
  /// What lies in the block: a recorder that goes on may know more.
  TraceView as_it_is() const {
    auto opened = TraceView::open(block.bytes());
    EXPECT_TRUE(opened) << opened.error().message;
    return *std::move(opened);
  }
  std::vector<Kind> kinds() {
    std::vector<Kind> all;
    for (const Event& event : view()) all.push_back(event.record.kind);
    return all;
  }
  std::uint64_t clock = 0;
  Block block;
  Recorder recorder;
};

Record repeat_in(const TraceView& view) {
  for (const Event& event : view) {
    if (event.record.kind == Kind::repeat) return event.record;
  }
  return {};
}

TEST(Recorder, SteadyWritesFoldIntoOneRepeat) {
  Recording run;
  for (std::uint64_t i = 0; i < 1000; ++i) {
    run.clock += 7;
    write_step(run.recorder, 0x10000 + i * 4096, 4096);
  }
  EXPECT_THAT(run.kinds(), ElementsAre(Kind::callback_entered, Kind::callback_left, Kind::port_write, Kind::repeat));
  const Record repeat = repeat_in(run.view());
  EXPECT_EQ(repeat.arg, 999u);
  EXPECT_EQ(repeat.flags, 3u);
  EXPECT_EQ(repeat.length, 4096u);
  EXPECT_EQ(repeat.offset, 0x11000u);
  EXPECT_EQ(repeat.time, 7000u);
  EXPECT_EQ(run.view().begin()->record.moves, std::uint32_t{move_offset});
}

TEST(Recorder, WithoutFoldingEveryStepStands) {
  Recording run({.fold = false});
  for (std::uint64_t i = 0; i < 10; ++i) write_step(run.recorder, i * 4096, 4096);
  EXPECT_EQ(run.kinds().size(), 30u);
}

// Each case is a second step that differs from the first in one way that must stop the folding; the control, changed in
// nothing, folds.
TEST(Recorder, AnyDifferenceStopsTheFolding) {
  struct Step {
    std::uint64_t offset = 0x2000;
    std::uint32_t length = 4096;
    std::int32_t status = success;
    std::uint32_t changes = 0;
    std::uint64_t mdl = 1;
    std::uint8_t irql = 15;
    std::uint16_t image = 0;
    std::string print = "same";
    std::uint64_t port = 0x102000;
    std::uint64_t digest = 0;
    bool closed = true;
    bool between = false;
  };
  const auto records = [](const std::function<void(Step&)>& change) {
    Recording run;
    const auto record = [&](const Step& step) {
      if (step.between) run.recorder.reboot();
      run.recorder.begin_step();
      run.recorder.callback_entered(step.image, Callback::write, step.irql, step.length, step.offset, 1, step.mdl);
      run.recorder.debug_print(step.image, 0, step.print);
      run.recorder.callback_left(step.image, Callback::write, step.irql, step.status, step.changes, step.length,
                                 step.offset, step.offset, step.mdl);
      run.recorder.port_write(success, step.port, step.length, step.digest);
      if (step.closed) run.recorder.end_step();
    };
    record({.offset = 0x1000, .port = 0x101000});
    Step second;
    change(second);
    record(second);
    const auto kinds = run.kinds();
    return std::count(kinds.begin(), kinds.end(), Kind::repeat) == 1;
  };
  EXPECT_TRUE(records([](Step&) {})) << "the control must fold";
  EXPECT_TRUE(records([](Step& s) { s.offset = 0x1000, s.port = 0x101000; })) << "unmoved is steady";
  EXPECT_TRUE(records([](Step& s) { s.offset = 0x1000; })) << "each field moves or stays by itself";
  EXPECT_FALSE(records([](Step& s) { s.offset = 0x3000; }));
  EXPECT_FALSE(records([](Step& s) { s.offset = 0; }));
  EXPECT_FALSE(records([](Step& s) { s.port = 0x102001; }));
  EXPECT_FALSE(records([](Step& s) { s.length = 8192; }));
  EXPECT_FALSE(records([](Step& s) { s.status = 1; }));
  EXPECT_FALSE(records([](Step& s) { s.changes = change_pfns; }));
  EXPECT_FALSE(records([](Step& s) { s.mdl = 2; }));
  EXPECT_FALSE(records([](Step& s) { s.irql = 2; }));
  EXPECT_FALSE(records([](Step& s) { s.image = 1; }));
  EXPECT_FALSE(records([](Step& s) { s.print = "sane"; }));
  EXPECT_FALSE(records([](Step& s) { s.print = "longer than before"; }));
  EXPECT_FALSE(records([](Step& s) { s.digest = 5; }));
  EXPECT_FALSE(records([](Step& s) { s.closed = false; }));
  EXPECT_FALSE(records([](Step& s) { s.between = true; }));
}

TEST(Recorder, AJumpToTheNextExtentStartsANewRun) {
  Recording run;
  for (std::uint64_t i = 0; i < 5; ++i) write_step(run.recorder, i * 4096, 4096);
  for (std::uint64_t i = 0; i < 5; ++i) write_step(run.recorder, 0x800000 + i * 4096, 4096);
  const auto kinds = run.kinds();
  EXPECT_EQ(std::count(kinds.begin(), kinds.end(), Kind::repeat), 2);
  EXPECT_EQ(kinds.size(), 8u);
}

TEST(Recorder, AFieldThatStoppedMovingEndsTheRun) {
  Recording run;
  const auto step = [&](std::uint64_t offset, std::uint64_t port) {
    run.recorder.begin_step();
    run.recorder.callback_entered(0, Callback::write, 15, 512, offset, 0, 1);
    run.recorder.port_write(success, port, 512);
    run.recorder.end_step();
  };
  step(0, 0);
  step(512, 512);
  step(1024, 512);  // the port writes the same place again
  EXPECT_EQ(run.kinds().size(), 5u);
  EXPECT_EQ(repeat_in(run.view()).arg, 1u);
}

TEST(Recorder, PortPiecesOfOneWriteFold) {
  Recording run;
  for (std::uint64_t i = 0; i < 8; ++i) {
    run.recorder.begin_step();
    for (std::uint64_t piece = 0; piece < 4; ++piece) {
      run.recorder.port_write(success, i * 65536 + piece * 16384, 16384);
    }
    run.recorder.end_step();
  }
  EXPECT_EQ(run.kinds().size(), 5u);
  EXPECT_EQ(repeat_in(run.view()).length, 65536u);
}

TEST(Recorder, TalliesStayExactWhenEverythingIsDropped) {
  const RecorderOptions options{.fold = false, .images = 4, .call_runs = 16};
  Recording run(options, Recorder::minimum_bytes(options));
  run.recorder.image_loaded(2, "dump_xor");
  for (std::uint64_t i = 0; i < 5000; ++i) write_step(run.recorder, i * 4096, i % 2 == 0 ? 4096 : 8192, 2);
  run.recorder.callback_entered(2, Callback::finish, 15);
  run.recorder.callback_left(2, Callback::finish, 15, unsuccessful);
  run.recorder.violation(2, Callback::write, Rule::irql_too_high, Severity::warning, "x");
  run.recorder.port_write(unsuccessful, 0, 512);

  const TraceView view = run.view();
  EXPECT_GT(view.dropped(), 15000u - 10);
  const CallbackTally writes = view.tally(2, Callback::write);
  EXPECT_EQ(writes.calls, 5000u);
  EXPECT_EQ(writes.failures, 0u);
  EXPECT_EQ(writes.min_length, 4096u);
  EXPECT_EQ(writes.max_length, 8192u);
  EXPECT_EQ(writes.bytes, 2500u * (4096 + 8192));
  EXPECT_EQ(view.tally(2, Callback::finish).failures, 1u);
  EXPECT_EQ(view.tally(2, Callback::finish).last_status, unsuccessful);
  EXPECT_EQ(view.tally(2, Callback::finish).min_length, 0u);
  EXPECT_EQ(view.writes().count, 5001u);
  EXPECT_EQ(view.writes().failures, 1u);
  EXPECT_EQ(view.writes().bytes, 2500u * (4096 + 8192));
  EXPECT_EQ(view.writes().min_length, 512u);
  EXPECT_EQ(view.violations(Rule::irql_too_high), 1u);
  EXPECT_EQ(view.count(Kind::port_write), 5001u);
  ASSERT_EQ(view.calls().size(), 2u);
  EXPECT_EQ(view.calls()[0].count, 5000u);
}

TEST(Recorder, AFullBlockEndsWithTruncatedAndLastWords) {
  const RecorderOptions options{.images = 1, .call_runs = 1};
  Recording run(options, Recorder::minimum_bytes(options));
  for (int i = 0; i < 100; ++i) run.recorder.irql_changed(0, 0, 2);
  run.recorder.fault(0, Callback::write, FaultKind::access, std::string(2000, 'x'));
  run.recorder.bugcheck(0, Callback::write, 1, {});  // no room left for a second
  run.recorder.ended(std::string(200, 'y'));
  std::vector<Event> events;
  const TraceView view = run.view();
  for (const Event& event : view) events.push_back(event);
  ASSERT_GT(events.size(), 3u);
  const Event& truncated = events[events.size() - 3];
  EXPECT_EQ(truncated.record.kind, Kind::truncated);
  EXPECT_EQ(truncated.record.arg, 100u + 1 - (events.size() - 3));
  EXPECT_EQ(view.dropped(), truncated.record.arg);
  EXPECT_EQ(events[events.size() - 2].record.kind, Kind::fault);
  EXPECT_EQ(events[events.size() - 2].payload.size(), max_payload);
  EXPECT_EQ(events.back().record.kind, Kind::ended);
  EXPECT_EQ(events.back().payload.size(), 64u);
  EXPECT_TRUE(view.note().empty()) << view.note();
}

TEST(Recorder, WhatJustFitsIsNotCalledTruncated) {
  const RecorderOptions options{.images = 1, .call_runs = 1};
  Recording run(options, Recorder::minimum_bytes(options));
  const std::uint64_t room = run.block.bytes().size() - run.block.header().records_at - reserve_at_end;
  for (std::uint64_t i = 0; i < room / sizeof(Record); ++i) run.recorder.reboot();
  run.recorder.ended("completed");
  EXPECT_EQ(run.view().dropped(), 0u);
  EXPECT_EQ(run.view().outcome(), "completed");
}

TEST(Recorder, LongTextIsCutAtACharacter) {
  Recording run;
  std::string text(max_payload - 4, 'a');
  text += "äöüß";  // the cut falls inside one of them
  run.recorder.debug_print(0, 0, text);
  run.recorder.debug_print(0, 0, std::string(max_payload, 'b'));
  const TraceView view = run.view();
  auto event = view.begin();
  std::string cut(max_payload - 4, 'a');
  EXPECT_EQ(event->text(), cut.append("…"));
  ++event;
  EXPECT_EQ(event->text(), std::string(max_payload, 'b'));
}

TEST(Recorder, ARegistryReadNamesKeyAndValue) {
  Recording run;
  run.recorder.registry_read(1, success, "Parameters", "Key");
  run.recorder.registry_read(1, success, std::string(600, 'k'), "Key");
  const TraceView view = run.view();
  auto event = view.begin();
  EXPECT_EQ(event->text(), "Parameters\\Key");
  ++event;
  EXPECT_THAT(std::string(event->text()), HasSubstr("k…"));
}

/// A child that has recorded that many writes and died in the next one's callback.
struct DeadChild : Recording {
  explicit DeadChild(std::uint64_t writes) {
    for (std::uint64_t i = 0; i < writes; ++i) write_step(recorder, i * 4096, 4096);
    recorder.begin_step();
    recorder.callback_entered(0, Callback::write, 15, 4096, writes * 4096, 1, 1);
  }
  Recorder parents = Recorder(recorder);  // as the fork leaves it: the same block, the position of before
};

// The child may die anywhere; what the parent sees then is every record so far, whether the child had written it down
// or was just following along in the step it kept.
TEST(Recorder, ADeathInsideAStepLeavesItsRecords) {
  DeadChild run(3);
  ASSERT_TRUE(run.parents.catch_up());
  run.recorder = run.parents;
  EXPECT_THAT(run.kinds(), ElementsAre(Kind::callback_entered, Kind::callback_left, Kind::port_write, Kind::repeat,
                                       Kind::callback_entered));
  const TraceView view = run.view();
  ASSERT_EQ(view.calls().size(), 2u);
  EXPECT_EQ(view.calls()[0].count, 3u);
  EXPECT_EQ(view.calls()[1].count, 0u) << "entered and never left";
  EXPECT_EQ(view.tally(0, Callback::write).calls, 3u);
}

TEST(Recorder, TheParentCatchesUpWithADeadChild) {
  DeadChild run(3);
  Recorder& parents = run.parents;
  ASSERT_TRUE(parents.catch_up());
  parents.fault(0, Callback::write, FaultKind::hang, "used up 10 s");
  parents.ended("hung");
  run.recorder = parents;
  EXPECT_EQ(run.kinds().size(), 7u);
  EXPECT_EQ(run.view().outcome(), "hung");
  const std::uint64_t sites = std::exchange(run.block.header().site_count, max_sites + 1);
  EXPECT_FALSE(parents.catch_up()) << "its rows would be looked at when the parent adds a violation";
  run.block.header().site_count = sites;
  ASSERT_TRUE(parents.catch_up());
  run.block.header().written = 13;
  EXPECT_FALSE(parents.catch_up());
  run.block.header().written = UINT64_MAX & ~7ull;
  EXPECT_FALSE(parents.catch_up());
}

// What a child claims to have passed over is believed as far as it can be.
TEST(Recorder, WhatAChildClaimsToHaveFollowedIsChecked) {
  DeadChild run(2);
  Recorder& parents = run.parents;
  TraceHeader& header = run.block.header();
  ASSERT_EQ(header.followed, 1u);
  const TraceHeader sound = header;
  const auto record = [&](std::size_t index) -> Record& {
    return *reinterpret_cast<Record*>(run.block.bytes().data() + header.records_at + index * sizeof(Record));
  };
  header.round_calls = header.run_count + 1;
  EXPECT_FALSE(parents.catch_up());
  header = sound;
  header.written = 0;
  EXPECT_FALSE(parents.catch_up()) << "there is no repeat";
  header.written = 3 * sizeof(Record);
  EXPECT_FALSE(parents.catch_up()) << "there is no repeat at the end";
  header = sound;
  for (const std::uint32_t records : {0u, 4u, UINT32_MAX}) {
    record(3).flags = records;
    EXPECT_FALSE(parents.catch_up()) << records << " records before the repeat";
  }
  record(3).flags = 3;
  record(1).callback = Callback::count_;
  EXPECT_FALSE(parents.catch_up());
  record(1).callback = Callback::write;
  header.written = run.block.bytes().size() - header.records_at;  // no room to say that there is none
  EXPECT_FALSE(parents.catch_up());
  header = sound;
  header.followed = UINT64_MAX;  // any number may be true
  EXPECT_TRUE(parents.catch_up());
  header = sound;
  EXPECT_TRUE(parents.catch_up());
}

// ---- steps that are passed over ----

TEST(Recorder, ASteadyStepIsNotWrittenAgain) {
  Recording run;
  for (std::uint64_t i = 0; i < 3; ++i) write_step(run.recorder, i * 4096, 4096);
  TraceHeader& header = run.block.header();
  const std::uint64_t written = header.written;
  std::fill_n(run.block.bytes().data() + header.records_at + written, 3 * sizeof(Record), std::byte{0x5a});
  for (std::uint64_t i = 3; i < 10; ++i) write_step(run.recorder, i * 4096, 4096);
  EXPECT_EQ(header.written, written);
  EXPECT_EQ(header.followed, 8u * 3);
  for (std::size_t i = 0; i < 3 * sizeof(Record); ++i)
    ASSERT_EQ(run.block.bytes()[header.records_at + written + i], std::byte{0x5a}) << i;
  EXPECT_EQ(repeat_in(run.as_it_is()).arg, 1u);
  EXPECT_EQ(repeat_in(run.view()).arg, 9u);
  EXPECT_EQ(run.view().calls()[0].count, 10u);
  write_step(run.recorder, 10 * 4096, 4096);
  EXPECT_EQ(repeat_in(run.view()).arg, 10u) << "settling does not end the repeat";
}

TEST(Recorder, OneThatIsShorterOrLongerStands) {
  for (const bool longer : {false, true}) {
    Recording run;
    for (std::uint64_t i = 0; i < 5; ++i) write_step(run.recorder, i * 4096, 4096);
    run.clock = 17;
    run.recorder.begin_step();
    run.recorder.callback_entered(0, Callback::write, 15, 4096, 5 * 4096, mdl_mapped, 1);
    run.recorder.callback_left(0, Callback::write, 15, success, change_mapped_va | change_start_va | change_pfns, 4096,
                               5 * 4096, 5 * 4096, 1);
    if (longer) {
      run.recorder.port_write(success, 0x100000 + 5 * 4096, 4096);
      run.recorder.redirected(0, 4096, 0x5000, 5 * 4096);
    }
    run.recorder.end_step();
    std::vector<Kind> expected{Kind::callback_entered, Kind::callback_left,    Kind::port_write,
                               Kind::repeat,           Kind::callback_entered, Kind::callback_left};
    if (longer) expected.insert(expected.end(), {Kind::port_write, Kind::redirected});
    EXPECT_EQ(run.kinds(), expected);
    const TraceView view = run.view();
    auto event = view.begin();
    for (int i = 0; i < 4; ++i) ++event;
    EXPECT_EQ(event->record.offset, 5u * 4096);
    EXPECT_EQ(event->record.moves, 0u);
    EXPECT_EQ(event->record.time, 17u);
    EXPECT_EQ(view.writes().count, longer ? 6u : 5u);
  }
}

// Time does not count for folding, but a record that is not written cannot say its own.
TEST(Recorder, OneThatTakesLongerFoldsAllTheSame) {
  Recording run;
  const auto step = [&](std::uint64_t i, std::uint64_t takes) {
    run.recorder.begin_step();
    run.recorder.callback_entered(0, Callback::write, 15, 512, i * 512, 1, 1);
    run.clock += takes;
    run.recorder.callback_left(0, Callback::write, 15, success, 0, 512, i * 512, i * 512, 1);
    run.recorder.end_step();
  };
  for (std::uint64_t i = 0; i < 20; ++i) step(i, i % 5);
  EXPECT_THAT(run.kinds(), ElementsAre(Kind::callback_entered, Kind::callback_left, Kind::repeat));
  EXPECT_EQ(repeat_in(run.view()).arg, 19u);
  EXPECT_EQ(run.view().tally(0, Callback::write).calls, 20u);
}

TEST(Recorder, CatchingUpAfterTruncationKeepsCounting) {
  const RecorderOptions options{.images = 1, .call_runs = 1};
  Recording run(options, Recorder::minimum_bytes(options));
  Recorder parents = run.recorder;
  for (int i = 0; i < 50; ++i) run.recorder.reboot();
  ASSERT_TRUE(parents.catch_up());
  const std::uint64_t dropped = run.view().dropped();
  parents.reboot();
  parents.ended("hung");
  EXPECT_EQ(run.view().dropped(), dropped + 1);
  EXPECT_EQ(run.view().outcome(), "hung");
}

TEST(Recorder, CallsInTurnTakeOneRound) {
  Recording run;
  for (std::uint16_t image = 0; image < 8; ++image) run.recorder.image_loaded(image, "dump_f");
  for (std::uint64_t i = 0; i < 100000; ++i) {
    run.recorder.begin_step();
    for (std::uint16_t image = 0; image < 8; ++image) {
      run.recorder.callback_entered(image, Callback::write, 15, 512, i * 512, 1, 1);
      run.recorder.callback_left(image, Callback::write, 15, success, 0, 512, i * 512, i * 512, 1);
    }
    run.recorder.end_step();
  }
  const TraceView view = run.view();
  ASSERT_EQ(view.calls().size(), 8u);
  for (std::uint16_t image = 0; image < 8; ++image) {
    EXPECT_EQ(view.calls()[image].image, image);
    EXPECT_EQ(view.calls()[image].cycle, 8);
    EXPECT_EQ(view.calls()[image].count, 100000u);
  }
}

TEST(Recorder, NestedCallsStandInTheOrderTheyWereEntered) {
  Recording run;
  run.recorder.callback_entered(0, Callback::finish, 15);
  write_step(run.recorder, 0, 512);
  write_step(run.recorder, 512, 512);
  run.recorder.callback_left(0, Callback::finish, 15, unsuccessful);
  const TraceView view = run.view();
  ASSERT_EQ(view.calls().size(), 2u);
  EXPECT_EQ(view.calls()[0].callback, Callback::finish);
  EXPECT_EQ(view.calls()[0].status, unsuccessful);
  EXPECT_EQ(view.calls()[1].callback, Callback::write);
  EXPECT_EQ(view.calls()[1].count, 2u);
}

TEST(Recorder, AFullTableOfRunsIsSaid) {
  Recording run({.images = 2, .call_runs = 4});
  for (int i = 0; i < 10; ++i) {
    run.recorder.callback_entered(0, i % 2 == 0 ? Callback::start : Callback::finish, 15);
    run.recorder.callback_left(0, i % 2 == 0 ? Callback::start : Callback::finish, 15, success);
  }
  EXPECT_EQ(run.view().calls().size(), 4u);
  EXPECT_EQ(run.view().calls_missed(), 6u);
}

TEST(Recorder, RulesSwitchedOffAreNotRecorded) {
  RecorderOptions options;
  options.severities[static_cast<std::size_t>(Rule::pool_leak)] = Severity::off;
  options.severities[static_cast<std::size_t>(Rule::irql_too_high)] = Severity::error;
  Recording run(options);
  run.recorder.violation(0, Callback::unload, Rule::pool_leak, "4 KiB");
  run.recorder.violation(0, Callback::write, Rule::irql_too_high, "ExFreePool at 15");
  ASSERT_THAT(run.kinds(), ElementsAre(Kind::violation));
  EXPECT_EQ(run.view().begin()->record.flags, static_cast<std::uint32_t>(Severity::error));
  EXPECT_EQ(run.view().violations(Rule::pool_leak), 0u);
}

TEST(Recorder, TheSameEventsAreTheSameBytes) {
  const auto bytes = [](std::byte before) {
    Recording run({.images = 4, .call_runs = 64}, 64 << 10);
    std::fill(run.block.bytes().begin(), run.block.bytes().end(), before);
    run.recorder = Recorder(run.block.bytes(), &run.clock, {.images = 4, .call_runs = 64});
    test::record_sample(run.recorder, run.clock, 100);
    const TraceHeader& header = run.block.header();
    const auto used = run.block.bytes().subspan(header.records_at, header.written);
    return std::vector<std::byte>(used.begin(), used.end());
  };
  EXPECT_EQ(bytes(std::byte{0}), bytes(std::byte{0xff}));
}

}  // namespace
}  // namespace dumpsim::trace
