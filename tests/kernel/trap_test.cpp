// SPDX-License-Identifier: Apache-2.0
// Which bugcheck or exception a fault is, by address, IRQL, access and who did it.
#include "kernel/trap.hpp"

#include "kernel_fixture.hpp"

namespace dumpsim::kernel::test {
namespace {

using machine::FaultAccess;
using machine::FaultKind;
using machine::FaultReport;
using ::testing::ElementsAre;
using What = TrapVerdict::What;

class TrapTest : public KernelTest {
 public:
  TrapTest() { kernel().register_image(image, "dump_x", code_.data(), code_.size()); }
  std::uint64_t rip() const { return reinterpret_cast<std::uint64_t>(code_.data()) + 16; }
  FaultReport access(std::uint64_t address, FaultAccess how, bool present = false) const {
    FaultReport report;
    report.kind = FaultKind::access;
    report.access = how;
    report.address_known = true;
    report.present = present;
    report.address = address;
    report.registers.rip = rip();
    return report;
  }

 private:
  std::array<std::byte, 64> code_{};
};

constexpr std::uint64_t upper_half = 0xFFFF800012345000;
constexpr std::uint64_t lower_half = 0x12345000;

TEST_P(TrapTest, APageFaultAtDispatchLevelStopsAtOnce) {
  set_irql(DISPATCH_LEVEL);
  const TrapVerdict verdict = judge(access(lower_half, FaultAccess::write));
  EXPECT_EQ(verdict.what, What::bugcheck);
  EXPECT_EQ(verdict.code, 0xD1u);
  EXPECT_THAT(verdict.parameters, ElementsAre(lower_half, 2, 1, rip()));
}

TEST_P(TrapTest, TheKernelsOwnFaultThereHasAnotherCode) {
  set_irql(HIGH_LEVEL);
  FaultReport report = access(lower_half, FaultAccess::read);
  report.registers.rip = reinterpret_cast<std::uint64_t>(&judge);
  EXPECT_EQ(judge(report).code, 0xAu);
  report.access = FaultAccess::execute;  // a call of nothing is the driver's
  EXPECT_EQ(judge(report).code, 0xD1u);
  EXPECT_EQ(judge(report).parameters[2], 8u);
}

TEST_P(TrapTest, BelowItAKernelAddressCannotBeHandled) {
  const TrapVerdict verdict = judge(access(upper_half, FaultAccess::write));
  EXPECT_EQ(verdict.what, What::bugcheck);
  EXPECT_EQ(verdict.code, 0x50u);
  EXPECT_THAT(verdict.parameters, ElementsAre(upper_half, 2, rip(), 2));
  EXPECT_EQ(judge(access(machine::arena_base + (std::uintptr_t{1} << 32), FaultAccess::read)).code, 0x50u);
}

TEST_P(TrapTest, BeforeWindows10TheOperationHasOtherNumbers) {
  restart({.major = 6, .minor = 1, .build = 7601});
  EXPECT_EQ(judge(access(upper_half, FaultAccess::write)).parameters[1], 1u);
}

TEST_P(TrapTest, AnyOtherAddressIsAnExceptionWithItsOperation) {
  const TrapVerdict verdict = judge(access(0x18, FaultAccess::read));
  EXPECT_EQ(verdict.what, What::exception);
  EXPECT_EQ(verdict.code, 0xC0000005u);
  EXPECT_EQ(verdict.count, 2u);
  EXPECT_EQ(verdict.parameters[1], 0x18u);
  set_irql(HIGH_LEVEL);
  FaultReport wild = access(0, FaultAccess::none);
  wild.address_known = false;  // not canonical: an exception at any IRQL
  EXPECT_EQ(judge(wild).what, What::exception);
  EXPECT_EQ(judge(wild).parameters[1], ~std::uint64_t{0});
}

TEST_P(TrapTest, WhatIsThereButNotForThatHasCodesOfItsOwn) {
  EXPECT_EQ(judge(access(rip(), FaultAccess::write, true)).code, 0xBEu);
  EXPECT_EQ(judge(access(machine::arena_base, FaultAccess::execute, true)).code, 0xFCu);
}

TEST_P(TrapTest, OtherTraps) {
  FaultReport report;
  report.kind = FaultKind::fast_fail;
  report.code = 6;
  EXPECT_EQ(judge(report).code, 0x139u);
  EXPECT_EQ(judge(report).parameters[0], 6u);
  report.kind = FaultKind::stack_overflow;
  EXPECT_EQ(judge(report).code, 0x7Fu);
  report.kind = FaultKind::breakpoint;
  EXPECT_EQ(judge(report).code, 0x80000003u);
  report.code = 0x2c;
  EXPECT_EQ(judge(report).code, 0xC0000420u);
  report.kind = FaultKind::privileged_instruction;
  EXPECT_EQ(judge(report).code, 0xC0000096u);
  report.kind = FaultKind::arithmetic;
  report.signal_code = 1;
  EXPECT_EQ(judge(report).code, 0xC0000094u);
  report.kind = FaultKind::hang;
  EXPECT_EQ(judge(report).what, What::nothing);
}

TEST_P(TrapTest, UnhandledExceptionsStopByWhereTheyRan) {
  const TrapVerdict low = unhandled(0xC0000094, 0x1000, {7, 8}, 0x2000, 0x3000);
  EXPECT_EQ(low.code, 0x7Eu);
  EXPECT_THAT(low.parameters, ElementsAre(0xFFFFFFFFC0000094, 0x1000, 0x2000, 0x3000));
  set_irql(HIGH_LEVEL);
  const TrapVerdict high = unhandled(0xC0000094, 0x1000, {7, 8}, 0x2000, 0x3000);
  EXPECT_EQ(high.code, 0x1Eu);
  EXPECT_THAT(high.parameters, ElementsAre(0xFFFFFFFFC0000094, 0x1000, 7, 8));
}

DUMPSIM_BOTH_CONVENTIONS(TrapTest);

}  // namespace
}  // namespace dumpsim::kernel::test
