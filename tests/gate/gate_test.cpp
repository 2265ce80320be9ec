// SPDX-License-Identifier: Apache-2.0
// The gate: what a driver gives back and what it does not, in both conventions, nested, and left from any depth.
#include "machine/gate.hpp"

#include <execinfo.h>
#include <gtest/gtest.h>

#include <array>
#include <cfenv>
#include <csignal>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "fixtures.hpp"

namespace dumpsim::machine {
namespace {

using Entry = std::uint64_t (*)();

const void* address(Entry entry) {
  return reinterpret_cast<const void*>(entry);
}
template <class F>
std::uint64_t number(F* pointer) {
  return reinterpret_cast<std::uint64_t>(pointer);
}

class GateTest : public ::testing::Test {
 public:
  void SetUp() override {
    Result<GuestStack> stack = GuestStack::create(24 * 1024);
    ASSERT_TRUE(stack) << stack.error().message;
    stack_ = *std::move(stack);
    gate_ = std::make_unique<Gate>(stack_);
    current = this;
  }
  void TearDown() override { EXPECT_EQ(Gate::current(), nullptr); }
  CallResult call(Convention convention, Entry entry, std::vector<std::uint64_t> arguments = {}) {
    return gate_->call(convention, address(entry), arguments);
  }
  static GateTest* current;
  GuestStack stack_;
  std::unique_ptr<Gate> gate_;
};
GateTest* GateTest::current = nullptr;

TEST_F(GateTest, PassesEightArgumentsAndReturnsSixtyFourBits) {
  for (const auto& [convention, fold] :
       {std::pair{Convention::system_v, &system_v_fold}, std::pair{Convention::microsoft, &microsoft_fold}}) {
    const CallResult all = call(convention, fold, {1, 2, 3, 4, 5, 6, 7, 8});
    EXPECT_TRUE(all.returned);
    EXPECT_EQ(all.value, 87654321u);
    EXPECT_EQ(all.changed, 0u);
    EXPECT_EQ(call(convention, fold, {1, 2}).value, 21u);
    EXPECT_EQ(call(convention, fold).value, 0u);
    EXPECT_EQ(call(convention, fold, {0xfedcba9876543210}).value, 0xfedcba9876543210u);
  }
}

TEST_F(GateTest, RunsOnTheGuestStackAlignedAsTheConventionsAsk) {
  for (const auto& [convention, where] : {std::pair{Convention::system_v, &system_v_stack_pointer},
                                          std::pair{Convention::microsoft, &microsoft_stack_pointer}}) {
    const std::uint64_t rsp = call(convention, where).value;
    EXPECT_TRUE(stack_.contains(reinterpret_cast<void*>(rsp)));
    EXPECT_EQ(rsp % 16, 8u) << "a call instruction pushed the return address on an aligned stack";
    EXPECT_EQ(call(convention, where).value, rsp) << "every outermost call begins at the top";
  }
}

TEST_F(GateTest, StacksLieWhereTheyLayInTheRunBefore) {
  Result<GuestStack> first = GuestStack::create(4096);
  ASSERT_TRUE(first);
  const std::byte* const low = first->low();
  first = Error{};
  Result<GuestStack> second = GuestStack::create(4096);
  ASSERT_TRUE(second);
  EXPECT_EQ(second->low(), low);
  EXPECT_NE(second->low(), stack_.low());
}

TEST_F(GateTest, RefusesSizesNoStackHas) {
  EXPECT_FALSE(GuestStack::create(0));
  const Result<GuestStack> huge = GuestStack::create(std::size_t{1} << 40);
  ASSERT_FALSE(huge);
  EXPECT_NE(huge.error().message.find("expected 1 to"), std::string::npos);
}

struct Clobber {
  const char* name;
  Convention convention;
  Entry entry;
  std::uint32_t changed;
};

class ClobberTest : public GateTest, public ::testing::WithParamInterface<Clobber> {};

TEST_P(ClobberTest, IsReportedAndRepaired) {
  const CallResult bad = call(GetParam().convention, GetParam().entry);
  EXPECT_TRUE(bad.returned);
  EXPECT_EQ(bad.value, 7u);
  EXPECT_EQ(bad.changed, GetParam().changed);
  EXPECT_EQ(std::fegetround(), FE_TONEAREST) << "the host's own rounding mode is back";
  // The report is about one call: the next is clean.
  EXPECT_EQ(call(Convention::system_v, &system_v_fold).changed, 0u);
  EXPECT_EQ(call(Convention::microsoft, &microsoft_fold).changed, 0u);
}

INSTANTIATE_TEST_SUITE_P(
    Each, ClobberTest,
    ::testing::Values(Clobber{"system_v_rbx", Convention::system_v, &system_v_clobber_rbx, changed_rbx},
                      Clobber{"system_v_rbp", Convention::system_v, &system_v_clobber_rbp, changed_rbp},
                      Clobber{"system_v_r12", Convention::system_v, &system_v_clobber_r12, changed_r12},
                      Clobber{"system_v_r13", Convention::system_v, &system_v_clobber_r13, changed_r13},
                      Clobber{"system_v_r14", Convention::system_v, &system_v_clobber_r14, changed_r14},
                      Clobber{"system_v_r15", Convention::system_v, &system_v_clobber_r15, changed_r15},
                      Clobber{"system_v_rsp", Convention::system_v, &system_v_clobber_rsp, changed_rsp},
                      Clobber{"system_v_mxcsr", Convention::system_v, &system_v_clobber_mxcsr, changed_mxcsr},
                      Clobber{"system_v_x87", Convention::system_v, &system_v_clobber_x87, changed_x87},
                      Clobber{"system_v_direction", Convention::system_v, &system_v_clobber_direction,
                              changed_direction},
                      Clobber{"microsoft_rbx", Convention::microsoft, &microsoft_clobber_rbx, changed_rbx},
                      Clobber{"microsoft_rdi", Convention::microsoft, &microsoft_clobber_rdi, changed_rdi},
                      Clobber{"microsoft_rsi", Convention::microsoft, &microsoft_clobber_rsi, changed_rsi},
                      Clobber{"microsoft_r12", Convention::microsoft, &microsoft_clobber_r12, changed_r12},
                      Clobber{"microsoft_rsp", Convention::microsoft, &microsoft_clobber_rsp, changed_rsp},
                      Clobber{"microsoft_mxcsr", Convention::microsoft, &microsoft_clobber_mxcsr, changed_mxcsr},
                      Clobber{"microsoft_xmm6", Convention::microsoft, &microsoft_clobber_xmm6, changed_xmm},
                      Clobber{"microsoft_xmm11", Convention::microsoft, &microsoft_clobber_xmm11, changed_xmm},
                      Clobber{"microsoft_xmm15", Convention::microsoft, &microsoft_clobber_xmm15, changed_xmm}),
    [](const auto& tested) { return std::string(tested.param.name); });

TEST_F(GateTest, SurvivesADriverThatGivesNothingBack) {
  const CallResult bad = call(Convention::system_v, &system_v_clobber_all);
  EXPECT_TRUE(bad.returned);
  EXPECT_EQ(bad.changed, changed_rbx | changed_rbp | changed_r12 | changed_r13 | changed_r14 | changed_r15 |
                             changed_rsp | changed_direction);
}

TEST_F(GateTest, RegistersOnlyMicrosoftKeepsAreFreeInSystemV) {
  EXPECT_EQ(call(Convention::system_v, &microsoft_clobber_rdi).changed, 0u);
  EXPECT_EQ(call(Convention::system_v, &microsoft_clobber_xmm6).changed, 0u);
}

// ---- nested calls; the callbacks below are host code that a driver calls.

std::uint64_t depth_reached = 0;
std::array<const void*, 8> seen_stacks{};

class NestedTest : public GateTest {
 public:
  static std::uint64_t descend(std::uint64_t levels) {
    std::uint64_t local = levels;  // an addressed local, so that the sanitizer puts red zones on this stack
    seen_stacks.at(levels) = &local;
    depth_reached += 1;
    if (levels == 0) return 100;
    const CallResult inner = current->call(Convention::system_v, &system_v_call_busy, {number(&descend), levels - 1});
    EXPECT_TRUE(inner.returned);
    EXPECT_EQ(inner.changed, 0u);
    return inner.value + *&local;
  }
  __attribute__((ms_abi)) static std::uint64_t descend_microsoft(std::uint64_t levels) {
    depth_reached += 1;
    if (levels == 0) return 100;
    const CallResult inner =
        current->call(Convention::microsoft, &microsoft_call_busy, {number(&descend_microsoft), levels - 1});
    EXPECT_TRUE(inner.returned);
    EXPECT_EQ(inner.changed, 0u);
    return inner.value;
  }
  static std::uint64_t leave_now(std::uint64_t reason) {
    volatile char buffer[64];
    buffer[0] = static_cast<char>(reason);
    current->gate_->leave(reason + static_cast<std::uint64_t>(buffer[0] * 0));
  }
  static std::uint64_t leave_everything(std::uint64_t levels) {
    volatile std::uint64_t buffer[8] = {levels};
    if (levels == 0) current->gate_->leave_all(4711);
    // No vector here: what a frame that is left owned would leak.
    const std::uint64_t arguments[] = {number(&leave_everything), buffer[0] - 1};
    current->gate_->call(Convention::system_v, address(&system_v_call), arguments);
    ADD_FAILURE() << "a frame that was left ran on";
    return 0;
  }
  static std::uint64_t inner_leaves(std::uint64_t reason) {
    const CallResult inner = current->call(Convention::system_v, &system_v_call, {number(&leave_now), reason});
    EXPECT_FALSE(inner.returned);
    EXPECT_EQ(inner.value, reason);
    EXPECT_TRUE(current->gate_->active());
    return 1000 + inner.value;
  }
  static std::uint64_t change_rounding_and_leave(std::uint64_t reason) {
    std::fesetround(FE_UPWARD);
    current->gate_->leave(reason);
  }
};

TEST_F(NestedTest, CallsNestOnOneStackAndKeepTheCallersRegisters) {
  depth_reached = 0;
  const CallResult outer = call(Convention::system_v, &system_v_call_busy, {number(&NestedTest::descend), 3});
  EXPECT_TRUE(outer.returned);
  EXPECT_EQ(outer.changed, 0u);
  EXPECT_EQ(depth_reached, 4u);
  EXPECT_EQ(outer.value, 100 + 4 * (11 + 12 + 13 + 14 + 15) + (1 + 2 + 3));
  for (std::size_t level = 0; level < 4; ++level) EXPECT_TRUE(stack_.contains(seen_stacks.at(level))) << level;
  for (std::size_t level = 0; level < 3; ++level) EXPECT_LT(seen_stacks.at(level), seen_stacks.at(level + 1));
  EXPECT_FALSE(gate_->active());
}

TEST_F(NestedTest, MicrosoftCallsNest) {
  depth_reached = 0;
  const CallResult outer =
      call(Convention::microsoft, &microsoft_call_busy, {number(&NestedTest::descend_microsoft), 3});
  EXPECT_TRUE(outer.returned);
  EXPECT_EQ(outer.changed, 0u);
  EXPECT_EQ(outer.value, 100u + 4 * (11 + 12 + 13 + 39));
}

TEST_F(NestedTest, LeavesTheInnermostCallOnly) {
  const CallResult outer = call(Convention::system_v, &system_v_call, {number(&NestedTest::inner_leaves), 23});
  EXPECT_TRUE(outer.returned);
  EXPECT_EQ(outer.value, 1023u);
}

TEST_F(NestedTest, LeavesEverythingFromDepthAgainAndAgain) {
  for (int round = 0; round < 1000; ++round) {
    const CallResult outer = call(Convention::system_v, &system_v_call, {number(&NestedTest::leave_everything), 3});
    ASSERT_FALSE(outer.returned);
    ASSERT_EQ(outer.value, 4711u);
    ASSERT_FALSE(gate_->active());
  }
  EXPECT_EQ(call(Convention::system_v, &system_v_fold, {5}).value, 5u);
}

TEST_F(NestedTest, LeavingPutsTheControlWordsBack) {
  const CallResult left =
      call(Convention::system_v, &system_v_call, {number(&NestedTest::change_rounding_and_leave), 1});
  EXPECT_FALSE(left.returned);
  EXPECT_EQ(std::fegetround(), FE_TONEAREST);
  // The leave is told by `returned`, not by its reason: zero is a reason like any other.
  EXPECT_FALSE(call(Convention::system_v, &system_v_call, {number(&NestedTest::leave_now), 0}).returned);
}

TEST_F(NestedTest, TwoGatesOnOneThread) {
  Result<GuestStack> other_stack = GuestStack::create(24 * 1024);
  ASSERT_TRUE(other_stack);
  static Gate* other = nullptr;
  Gate second(*other_stack);
  other = &second;
  const auto through_other = +[](std::uint64_t levels) -> std::uint64_t {
    EXPECT_EQ(Gate::current(), current->gate_.get());
    const std::uint64_t argument[] = {levels};
    const CallResult inner = other->call(Convention::system_v, address(&system_v_return), argument);
    EXPECT_EQ(Gate::current(), current->gate_.get());
    return inner.value + 1;
  };
  EXPECT_EQ(call(Convention::system_v, &system_v_call, {number(through_other), 5}).value, 6u);
}

TEST_F(GateTest, HighWaterTellsHowDeepADriverWent) {
  EXPECT_EQ(stack_.high_water(), 0u);
  stack_.arm_high_water();
  const std::size_t untouched = stack_.high_water();
  EXPECT_EQ(untouched, 0u);
  call(Convention::system_v, &system_v_return, {1});
  const std::size_t shallow = stack_.high_water();
  EXPECT_GT(shallow, 0u);
  stack_.arm_high_water();
  depth_reached = 0;
  call(Convention::system_v, &system_v_call_busy, {number(&NestedTest::descend), 3});
  EXPECT_GT(stack_.high_water(), shallow + 3 * 64);
}

// ---- what a debugger sees: the unwinder must walk from the driver's callee through the gate into the host.

std::vector<void*> seen_backtrace;

std::uint64_t take_backtrace(std::uint64_t) {
  seen_backtrace.resize(64);
  seen_backtrace.resize(static_cast<std::size_t>(backtrace(seen_backtrace.data(), 64)));
  return 0;
}

TEST_F(GateTest, UnwindsThroughTheGateIntoTheHost) {
  void* direct[64];
  const int host_depth = backtrace(direct, 64);
  for (const auto& [convention, fixture] :
       {std::pair{Convention::system_v, &system_v_call}, std::pair{Convention::microsoft, &microsoft_call}}) {
    call(convention, fixture, {number(&take_backtrace), 0});
    ASSERT_GT(seen_backtrace.size(), static_cast<std::size_t>(host_depth) + 3);
    // The outermost frames (main, the C library's start) are the same ones.
    EXPECT_EQ(seen_backtrace.back(), direct[host_depth - 1]);
    EXPECT_EQ(seen_backtrace[seen_backtrace.size() - 2], direct[host_depth - 2]);
  }
}

// ---- strands ----

/// Two strands beside the main one, each with what it says.
class StrandTest : public GateTest {
 public:
  struct Line {
    StrandTest* test = nullptr;
    GuestStack stack;
    std::unique_ptr<Strand> strand;
    const char* name = "";
    int rounds = 0;
    void (*then)(Line& line) = [](Line&) {};
  };

  void SetUp() override {
    GateTest::SetUp();
    for (std::size_t i = 0; i < 2; ++i) {
      auto stack = GuestStack::create(24 * 1024);
      ASSERT_TRUE(stack);
      lines_[i].test = this;
      lines_[i].stack = *std::move(stack);
      lines_[i].strand = std::make_unique<Strand>(lines_[i].stack);
      lines_[i].name = i == 0 ? "a" : "b";
      gate_->prepare(*lines_[i].strand, &body, &lines_[i]);
    }
  }
  static void body(void* context) {
    auto& line = *static_cast<Line*>(context);
    for (;;) {
      ++line.rounds;
      line.test->said += line.name;
      // A driver's code, which comes back through the gate on this strand's stack.
      const std::uint64_t argument[] = {number(&line)};
      line.test->gate_->call(Convention::system_v, reinterpret_cast<const void*>(&in_driver), argument);
      line.test->gate_->switch_to(line.test->gate_->main());
    }
  }
  static void in_driver(Line* line) {
    EXPECT_TRUE(line->stack.contains(__builtin_frame_address(0)));
    EXPECT_EQ(&line->test->gate_->stack(), &line->stack);
    EXPECT_EQ(Gate::current(), line->test->gate_.get());
    line->then(*line);
  }
  CallResult run(void (*code)(StrandTest* test)) {
    const std::uint64_t argument[] = {number(this)};
    return gate_->call(Convention::system_v, reinterpret_cast<const void*>(code), argument);
  }
  void go_to(std::size_t line) { gate_->switch_to(*lines_[line].strand); }

  std::array<Line, 2> lines_;
  std::string said;
};

TEST_F(StrandTest, StrandsTakeTurnsAndRestOverTheEndOfACall) {
  const auto turns = [](StrandTest* test) {
    test->go_to(0);
    test->said += "-";
    test->go_to(1);
    test->go_to(0);
  };
  EXPECT_TRUE(run(turns).returned);
  EXPECT_EQ(said, "a-ba");
  EXPECT_FALSE(gate_->active());
  EXPECT_TRUE(run(turns).returned);
  EXPECT_EQ(said, "a-baa-ba");
  EXPECT_EQ(lines_[0].rounds, 4);
  EXPECT_EQ(call(Convention::microsoft, &microsoft_fold, {1, 2}).value, 21u) << "the gate is whole";
}

TEST_F(StrandTest, AStrandRestsInTheMiddleOfADriversCode) {
  lines_[0].then = [](Line& line) {
    line.test->said += "(";
    line.test->go_to(1);
    line.test->said += ")";
  };
  lines_[1].then = [](Line& line) {
    line.test->said += "[";
    line.test->go_to(0);
    line.test->said += "]";
  };
  EXPECT_TRUE(run([](StrandTest* test) { test->go_to(0); }).returned);
  EXPECT_EQ(said, "a(b[)");
  EXPECT_TRUE(run([](StrandTest* test) { test->go_to(1); }).returned);
  EXPECT_EQ(said, "a(b[)]");
}

TEST_F(StrandTest, LeavingAllFromAnotherStrandEndsTheHostsCall) {
  lines_[1].then = [](Line& line) { line.test->gate_->leave_all(77); };
  lines_[0].then = [](Line& line) { line.test->go_to(1); };
  const CallResult result = run([](StrandTest* test) {
    test->go_to(0);
    test->said += "never";
  });
  EXPECT_FALSE(result.returned);
  EXPECT_EQ(result.value, 77u);
  EXPECT_EQ(said, "ab");
  EXPECT_FALSE(gate_->active());
  EXPECT_EQ(&gate_->running(), &gate_->main());
  // Prepared anew, it begins anew.
  lines_[1].then = [](Line&) {};
  gate_->prepare(*lines_[1].strand, &body, &lines_[1]);
  EXPECT_TRUE(run([](StrandTest* test) { test->go_to(1); }).returned);
  EXPECT_EQ(said, "abb");
}

TEST_F(StrandTest, LeavingOneCallStaysOnItsStrand) {
  lines_[0].then = [](Line& line) {
    line.test->said += "<";
    line.test->gate_->leave(5);
  };
  EXPECT_TRUE(run([](StrandTest* test) { test->go_to(0); }).returned);
  EXPECT_EQ(said, "a<");
}

}  // namespace
}  // namespace dumpsim::machine
