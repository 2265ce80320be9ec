// SPDX-License-Identifier: Apache-2.0
// Crashes and endless loops inside the gate become values; the same signals outside it still end the process.
#include "machine/fault_trap.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <memory>
#include <vector>

#include "base/mapping.hpp"
#include "fixtures.hpp"

namespace dumpsim::machine {
namespace {

using Entry = std::uint64_t (*)();
using std::chrono::milliseconds;

template <class F>
std::uint64_t number(F* pointer) {
  return reinterpret_cast<std::uint64_t>(pointer);
}

/// A bad address that the compiler does not know to be one.
volatile std::uint64_t* volatile nowhere = reinterpret_cast<volatile std::uint64_t*>(0x18);

class FaultTrapTest : public ::testing::Test {
 public:
  void SetUp() override {
    Result<GuestStack> stack = GuestStack::create(24 * 1024);
    ASSERT_TRUE(stack) << stack.error().message;
    stack_ = *std::move(stack);
    gate_ = std::make_unique<Gate>(stack_);
    install(FaultHooks{this, nullptr, &FaultTrapTest::note}, milliseconds(0));
    current = this;
  }
  void install(FaultHooks hooks, std::chrono::nanoseconds limit) {
    trap_ = nullptr;
    Result<std::unique_ptr<FaultTrap>> trap = FaultTrap::install(*gate_, hooks, limit);
    ASSERT_TRUE(trap) << trap.error().message;
    trap_ = *std::move(trap);
  }
  static void note(void* context, const FaultReport& report) {
    auto* self = static_cast<FaultTrapTest*>(context);
    self->reports_ += 1;
    self->noted_ = report;
  }
  CallResult call(Entry entry, std::vector<std::uint64_t> arguments = {}) {
    trap_->publish(++ordinal_);
    const CallResult result = gate_->call(Convention::system_v, reinterpret_cast<const void*>(entry), arguments);
    trap_->publish(0);
    return result;
  }
  /// One fault, told once, and the gate and the trap good for the next.
  const FaultReport& fault(Entry entry, std::vector<std::uint64_t> arguments = {}) {
    reports_ = 0;
    const CallResult result = call(entry, std::move(arguments));
    EXPECT_FALSE(result.returned);
    EXPECT_EQ(result.value, FaultTrap::reason);
    EXPECT_EQ(reports_, 1);
    EXPECT_EQ(noted_.ordinal, ordinal_);
    EXPECT_EQ(trap_->last().kind, noted_.kind);
    EXPECT_FALSE(gate_->active());
    EXPECT_EQ(call(&system_v_return, {77}).value, 77u);
    return trap_->last();
  }

  static FaultTrapTest* current;
  GuestStack stack_;
  std::unique_ptr<Gate> gate_;
  std::unique_ptr<FaultTrap> trap_;
  std::uint64_t ordinal_ = 0;
  int reports_ = 0;
  FaultReport noted_;
};
FaultTrapTest* FaultTrapTest::current = nullptr;

TEST_F(FaultTrapTest, TellsReadsWritesAndJumpsApart) {
  const FaultReport& read = fault(&system_v_load, {0x10});
  EXPECT_EQ(read.kind, FaultKind::access);
  EXPECT_EQ(read.access, FaultAccess::read);
  EXPECT_TRUE(read.address_known);
  EXPECT_EQ(read.address, 0x10u);
  EXPECT_EQ(describe(read), "read of 0x10");
  EXPECT_EQ(read.registers.rip, number(&system_v_load));
  EXPECT_EQ(read.registers.rdi, 0x10u);

  const FaultReport& write = fault(&system_v_store, {0x20, 5});
  EXPECT_EQ(write.kind, FaultKind::access);
  EXPECT_EQ(write.access, FaultAccess::write);
  EXPECT_EQ(describe(write), "write to 0x20");

  const FaultReport& jump = fault(&system_v_jump, {0x30});
  EXPECT_EQ(jump.access, FaultAccess::execute);
  EXPECT_EQ(describe(jump), "jump to 0x30");
  ASSERT_GE(jump.return_address_count, 2u);
  EXPECT_EQ(jump.return_addresses[0], 0x30u);
  EXPECT_GT(jump.return_addresses[1], number(&system_v_jump));
  EXPECT_LT(jump.return_addresses[1], number(&system_v_jump) + 16);

  const FaultReport& far_away = fault(&system_v_load, {0x8000000000000000});
  EXPECT_EQ(far_away.kind, FaultKind::access);
  EXPECT_FALSE(far_away.address_known);
  EXPECT_EQ(describe(far_away), "access to a non-canonical address");
}

TEST_F(FaultTrapTest, TellsTheOtherKinds) {
  EXPECT_EQ(fault(&system_v_illegal).kind, FaultKind::illegal_instruction);
  EXPECT_EQ(fault(&system_v_divide).kind, FaultKind::arithmetic);
  EXPECT_EQ(fault(&system_v_breakpoint).kind, FaultKind::breakpoint);
  EXPECT_EQ(fault(&system_v_privileged).kind, FaultKind::privileged_instruction);
  const FaultReport& fast_fail = fault(&system_v_fast_fail, {6});
  EXPECT_EQ(fast_fail.kind, FaultKind::fast_fail);
  EXPECT_EQ(fast_fail.code, 6u);
  EXPECT_EQ(describe(fast_fail), "fast fail, code 6");
  EXPECT_EQ(fault(reinterpret_cast<Entry>(&std::abort)).kind, FaultKind::abort);
}

TEST_F(FaultTrapTest, AStackThatRunsOverIsToldFromABadPointer) {
  for (int round = 0; round < 3; ++round) {
    const FaultReport& overflow = fault(&system_v_overflow);
    EXPECT_EQ(overflow.kind, FaultKind::stack_overflow);
    EXPECT_EQ(describe(overflow), "stack overflow");
  }
  // One stride over the end that no page-sized guard would catch.
  EXPECT_EQ(fault(&system_v_store, {number(stack_.low()) - 200 * 1024, 1}).kind, FaultKind::stack_overflow);
}

// The fault happens in the host's code, reached from the driver, three calls deep.
std::uint64_t host_reads(std::uint64_t levels) {
  volatile std::uint64_t local = levels;
  if (levels == 0) return *nowhere;
  const std::uint64_t arguments[] = {number(&host_reads), levels - 1};
  FaultTrapTest::current->gate_->call(Convention::system_v, reinterpret_cast<const void*>(&system_v_call), arguments);
  ADD_FAILURE() << "ran on after the fault, at " << local;
  return 0;
}

// The read of a small address is the test; the sanitizer must not report it first.
TEST_F(FaultTrapTest, LeavesNestedCallsFromHostCode) {
  for (int round = 0; round < 200; ++round) {
    const FaultReport& report = fault(&system_v_call, {number(&host_reads), 3});
    ASSERT_EQ(report.kind, FaultKind::access);
    ASSERT_EQ(report.address, 0x18u);
  }
}

TEST_F(FaultTrapTest, TheEvidenceNamesTheCallers) {
  const FaultReport& report = fault(&system_v_call, {number(&system_v_store), 0x40});
  ASSERT_GE(report.return_address_count, 2u);
  EXPECT_GE(report.return_addresses[0], number(&system_v_store));
  EXPECT_LT(report.return_addresses[0], number(&system_v_store) + 16);
  EXPECT_GT(report.return_addresses[1], number(&system_v_call));
  EXPECT_LT(report.return_addresses[1], number(&system_v_call) + 24);
  EXPECT_THAT(report.stack_words, ::testing::Contains(report.return_addresses[1]));
}

TEST_F(FaultTrapTest, AWriteIntoReadOnlyMemoryIsOfferedAndRepeated) {
  struct Owner {
    Mapping page;
    int offered = 0;
    static bool open(void* context, const void* address, const FaultReport& report) {
      auto* owner = static_cast<Owner*>(context);
      if (!owner->page.contains(address)) return false;
      owner->offered += report.registers.rip != 0 ? 1 : 0;
      return mprotect(owner->page.begin(), 4096, PROT_READ | PROT_WRITE) == 0;
    }
  } owner;
  Result<Mapping> page = Mapping::at(0x1fe000000000, 4096, PROT_READ);
  ASSERT_TRUE(page) << page.error().message;
  owner.page = *std::move(page);
  install(FaultHooks{&owner, &Owner::open, nullptr}, milliseconds(0));

  const CallResult result = call(&system_v_store, {number(owner.page.begin()) + 8, 0xabcd});
  EXPECT_TRUE(result.returned);
  EXPECT_EQ(result.value, 21u);
  EXPECT_EQ(owner.offered, 1);
  EXPECT_EQ(reinterpret_cast<std::uint64_t*>(owner.page.begin())[1], 0xabcdu);
  // What nobody owns is still a fault.
  EXPECT_FALSE(call(&system_v_store, {0x20, 1}).returned);
  EXPECT_EQ(trap_->last().access, FaultAccess::write);
}

TEST_F(FaultTrapTest, AnEndlessLoopIsLeftAfterItsProcessorTime) {
  install(FaultHooks{this, nullptr, &FaultTrapTest::note}, milliseconds(40));
  for (int round = 0; round < 2; ++round) {
    const FaultReport& hang = fault(&system_v_spin);
    EXPECT_EQ(hang.kind, FaultKind::hang);
    EXPECT_GE(hang.registers.rip, number(&system_v_spin));
    EXPECT_LE(hang.registers.rip, number(&system_v_spin) + 4);
  }
}

TEST_F(FaultTrapTest, ManyShortCallsAreNoHang) {
  install(FaultHooks{this, nullptr, &FaultTrapTest::note}, milliseconds(8));
  const std::clock_t end = std::clock() + CLOCKS_PER_SEC / 10;  // processor time, twelve times the limit
  std::uint64_t calls = 0;
  while (std::clock() < end) {
    ASSERT_TRUE(call(&system_v_return, {++calls}).returned) << describe(noted_);
  }
  EXPECT_EQ(reports_, 0);
}

TEST_F(FaultTrapTest, OnlyOneAtATimeAndTheFormerHandlersComeBack) {
  EXPECT_THAT(FaultTrap::install(*gate_, {}, milliseconds(0)).error().message,
              ::testing::HasSubstr("installed in this process already"));
  struct sigaction ours {};
  sigaction(SIGSEGV, nullptr, &ours);
  trap_ = nullptr;
  struct sigaction after {};
  sigaction(SIGSEGV, nullptr, &after);
  EXPECT_NE(after.sa_sigaction, ours.sa_sigaction);
  stack_t stack{};
  sigaltstack(nullptr, &stack);
  EXPECT_NE(stack.ss_size, std::size_t{256} << 10);
  install({}, milliseconds(0));
}

using FaultTrapDeathTest = FaultTrapTest;

// Outside the gate a fault is the host's own. The message is the shell's or the sanitizer's; that it ends is the point.
TEST_F(FaultTrapDeathTest, TheHostsOwnFaultEndsIt) {
  EXPECT_EXIT(
      {
        struct sigaction plain {};
        plain.sa_handler = SIG_DFL;
        trap_ = nullptr;
        sigaction(SIGSEGV, &plain, nullptr);
        install(FaultHooks{}, milliseconds(0));
        *nowhere = 1;
      },
      ::testing::KilledBySignal(SIGSEGV), "");
  EXPECT_DEATH(std::abort(), "");
  EXPECT_EXIT(
      raise(SIGFPE), [](int status) { return !WIFEXITED(status) || WEXITSTATUS(status) != 0; }, "");
}

}  // namespace
}  // namespace dumpsim::machine
