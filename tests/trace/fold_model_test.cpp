// SPDX-License-Identifier: Apache-2.0
// Folding loses nothing: a random life is recorded twice, folded and not, and the folded one, expanded by the reader,
// must be the other, event for event. The streams are biased towards what nearly folds, where mistakes would hide.
#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "base/random.hpp"
#include "sample.hpp"
#include "trace/reader.hpp"
#include "trace/recorder.hpp"

namespace dumpsim::trace {
namespace {

/// Two recorders that are told the same.
struct Twins {
  explicit Twins(std::size_t bytes)
      : folded_block(bytes),
        plain_block(bytes),
        folded(folded_block.bytes(), &clock, {.images = 8, .call_runs = 4096}),
        plain(plain_block.bytes(), &clock, {.fold = false, .images = 8, .call_runs = 4096}) {}
  void both(const auto& act) {
    act(folded);
    act(plain);
  }
  std::uint64_t clock = 0;
  test::Block folded_block;
  test::Block plain_block;
  Recorder folded;
  Recorder plain;
};

/// The life ends when `cut` events have been recorded; what is left unsaid then is the parent's to find out.
struct Cut {
  std::uint64_t events = UINT64_MAX;
  bool here() { return events == 0 || --events == 0; }
};

void random_life(Random& random, Twins& twins, Cut cut = {}) {
  std::uint64_t offset = random.below(1u << 20) * 512;
  std::uint32_t length = 4096;
  std::uint64_t filters = 1;
  std::uint64_t shift = 0;
  for (int phase = 0; phase < 60; ++phase) {
    switch (random.below(6)) {
      case 0:
        offset = random.below(1u << 20) * 512;
        break;
      case 1:
        length = 512u << random.below(8);
        break;
      case 2:
        filters = random.below(4);
        break;
      case 3:
        shift = random.below(2) * 0x1000000;
        break;
      case 4:
        twins.both([](Recorder& r) { r.section("pages"); });
        break;
      default:
        break;
    }
    const std::uint64_t steps = random.below(12);
    for (std::uint64_t step = 0; step < steps; ++step) {
      const std::uint64_t odd = random.below(25);
      const std::uint64_t text = random.below(3);
      const bool dies = random.below(200) == 0;
      twins.clock += random.below(100);
      const std::uint64_t began = twins.clock;
      const Cut before = cut;
      twins.both([&](Recorder& r) {
        twins.clock = began;
        cut = before;
        r.begin_step();
        for (std::uint16_t f = 0; f < filters; ++f) {
          if (cut.here()) return;
          r.callback_entered(f, Callback::write, 15, length, offset, 5, odd == 1 ? 2 : 1);
          if (odd == 8) ++twins.clock;
          if (phase % 7 == 3)
            r.kernel_call(f, 15, 9, 0, text == 0 ? "MmIsAddressValid(pool#1)" : "MmIsAddressValid(pool#2)");
          if (dies) return;
          if (phase % 11 == 5) r.violation(f, Callback::write, Rule::mdl_flags_changed, Severity::warning, "changed");
          if (cut.here()) return;
          r.callback_left(f, Callback::write, 15, odd == 2 ? -1 : 0, odd == 3 ? std::uint32_t{change_pfns} : 0, length,
                          offset + shift, offset, 1);
        }
        if (shift != 0) r.redirected(0, length, offset + shift, offset);
        twins.clock += 20;
        if (cut.here()) return;
        if (length > 16384) {
          r.port_write(0, offset + shift, length / 2);
          r.port_write(0, offset + shift + length / 2, length / 2);
        } else {
          r.port_write(odd == 4 ? -1 : 0, offset + shift, length);
        }
        if (odd == 5) r.port_read(0, 0x5000, 512);
        if (odd == 6) return;  // ended by nobody
        r.end_step();
        if (odd == 7) r.debug_print(0, 1, "between two steps");
      });
      if (cut.events == 0) return;
      if (random.below(30) != 0) offset += length;
    }
  }
}

bool same_event(const Event& a, const Event& b) {
  Record left = a.record;
  Record right = b.record;
  left.time = right.time = 0;  // documented: time does not survive folding
  left.moves = right.moves = 0;
  return std::memcmp(&left, &right, sizeof left) == 0 && a.text() == b.text();
}

/// The place of the first difference, or -1.
std::int64_t first_difference(const TraceView& folded, const TraceView& plain) {
  auto expected = plain.begin();
  std::int64_t index = 0;
  bool same = true;
  folded.unfolded(UINT64_MAX, [&](const Event& event) {
    same = expected != plain.end() && same_event(event, *expected);
    if (same) {
      ++expected;
      ++index;
    }
    return same;
  });
  return same && expected == plain.end() ? -1 : index;
}

void expect_the_same(const Twins& twins, std::uint64_t& repeats) {
  const auto folded = TraceView::open(twins.folded_block.bytes());
  const auto plain = TraceView::open(twins.plain_block.bytes());
  ASSERT_TRUE(folded && plain);
  ASSERT_EQ(plain->dropped(), 0u);
  ASSERT_EQ(first_difference(*folded, *plain), -1);
  for (const Event& event : *folded) repeats += event.record.kind == Kind::repeat ? event.record.arg : 0;

  // What expectations read does not depend on folding.
  for (const auto& [a, b] : {std::pair{folded->writes(), plain->writes()}, {folded->reads(), plain->reads()}}) {
    EXPECT_EQ(std::memcmp(&a, &b, sizeof a), 0);
  }
  for (std::size_t kind = 1; kind < static_cast<std::size_t>(Kind::repeat); ++kind) {
    EXPECT_EQ(folded->count(static_cast<Kind>(kind)), plain->count(static_cast<Kind>(kind)));
  }
  EXPECT_EQ(folded->violations(Rule::mdl_flags_changed), plain->violations(Rule::mdl_flags_changed));
  ASSERT_EQ(folded->calls().size(), plain->calls().size());
  for (std::size_t i = 0; i < plain->calls().size(); ++i) {
    EXPECT_EQ(folded->calls()[i].count, plain->calls()[i].count);
    EXPECT_EQ(folded->calls()[i].image, plain->calls()[i].image);
    EXPECT_EQ(folded->calls()[i].status, plain->calls()[i].status);
  }
  for (std::uint16_t f = 0; f < 4; ++f) {
    const CallbackTally a = folded->tally(f, Callback::write), b = plain->tally(f, Callback::write);
    EXPECT_EQ(std::memcmp(&a, &b, sizeof a), 0);
  }
}

TEST(FoldModel, ExpandedItIsWhatWasRecorded) {
  std::uint64_t repeats = 0;
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    Twins twins(2 << 20);
    random_life(random, twins);
    twins.folded.settle();
    expect_the_same(twins, repeats);
    if (HasFatalFailure()) return;
  }
  EXPECT_GT(repeats, 10000u) << "the streams must fold often, or the model proves nothing";
}

Record last_of(const test::Block& block) {
  const auto view = TraceView::open(block.bytes());
  Record last;
  for (const Event& event : *view) last = event.record;
  return last;
}

// A child that dies between any two of its records, seen by the parent that goes on for it.
TEST(FoldModel, ADeathAnywhereLeavesAllThatWasRecorded) {
  std::uint64_t repeats = 0;
  std::uint64_t unsaid = 0;
  for (std::uint64_t seed = 1; seed <= 1000; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    Twins twins(1 << 20);
    Recorder parents = twins.folded;
    const Cut cut{1 + random.below(400)};
    random_life(random, twins, cut);
    unsaid += twins.folded_block.header().followed != 0 ? 1 : 0;
    ASSERT_TRUE(parents.catch_up());
    expect_the_same(twins, repeats);
    if (HasFatalFailure()) return;
    // A record that was written after all has its own time.
    const Record last = last_of(twins.folded_block);
    if (last.kind != Kind::repeat) {
      EXPECT_EQ(last.time, last_of(twins.plain_block).time);
    }
  }
  EXPECT_GT(repeats, 10000u);
  EXPECT_GT(unsaid, 100u) << "deaths must find something unsaid, or nothing is proved";
}

TEST(FoldModel, ControlAWrongRepeatIsSeen) {
  Random random(1);
  Twins twins(2 << 20);
  random_life(random, twins);
  twins.folded.settle();
  const auto plain = TraceView::open(twins.plain_block.bytes());
  // One repeat too many, in the first repeat found.
  const TraceHeader header = twins.folded_block.header();
  for (std::size_t at = header.records_at; at < header.records_at + header.written;) {
    auto& record = *reinterpret_cast<Record*>(twins.folded_block.bytes().data() + at);
    if (record.kind == Kind::repeat) {
      ++record.arg;
      break;
    }
    at += sizeof(Record) + padded(record.payload);
  }
  const auto folded = TraceView::open(twins.folded_block.bytes());
  ASSERT_TRUE(folded && plain);
  EXPECT_NE(first_difference(*folded, *plain), -1);
}

// The runs of calls, expanded, are the sequence of calls that were entered.
TEST(FoldModel, RunsExpandToTheCalls) {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    Twins twins(2 << 20);
    random_life(random, twins);
    const auto plain = TraceView::open(twins.plain_block.bytes());
    ASSERT_TRUE(plain);
    ASSERT_EQ(plain->calls_missed(), 0u);
    std::vector<std::uint16_t> entered;
    for (const Event& event : *plain) {
      if (event.record.kind == Kind::callback_entered) entered.push_back(event.record.image);
    }
    std::vector<std::uint16_t> expanded;
    const auto runs = plain->calls();
    for (std::size_t i = 0; i < runs.size(); i += runs[i].cycle) {
      for (std::uint64_t n = 0; n < std::max<std::uint64_t>(runs[i].count, 1); ++n) {
        for (std::size_t k = 0; k < runs[i].cycle; ++k) expanded.push_back(runs[i + k].image);
      }
    }
    EXPECT_EQ(expanded, entered);
  }
}

}  // namespace
}  // namespace dumpsim::trace
