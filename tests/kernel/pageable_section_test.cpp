// SPDX-License-Identifier: Apache-2.0
// MmLockPagableDataSection and its neighbours, on an image of three sections.
#include <sys/mman.h>

#include <array>
#include <span>

#include "base/mapping.hpp"
#include "kernel_fixture.hpp"

namespace dumpsim::kernel::test {
namespace {

class PageableSectionTest : public KernelTest {
 protected:
  void SetUp() override {
    auto mapping = Mapping::shared(3 * page_size);
    ASSERT_TRUE(mapping);
    memory_ = *std::move(mapping);
    const auto pages = [this](std::size_t i) { return std::span(at(i), page_size); };
    const std::array sections{machine::DriverSection{".text", pages(0), PROT_READ | PROT_WRITE, false},
                              machine::DriverSection{"PAGE", pages(1), PROT_READ | PROT_WRITE, true},
                              machine::DriverSection{".data", pages(2), PROT_READ | PROT_WRITE, false}};
    machine().sections.add(image, sections);
    kernel().register_image(image, "dump_paged", memory_.begin(), 3 * page_size, GetParam());
  }
  std::byte* at(std::size_t page) { return memory_.begin() + page * page_size; }
  bool out(std::size_t page) { return machine().sections.at(at(page))->paged_out; }

  Mapping memory_;
};
DUMPSIM_BOTH_CONVENTIONS(PageableSectionTest);

TEST_P(PageableSectionTest, FollowsTheIrqlThatADriverSets) {
  K(KfRaiseIrql)(APC_LEVEL);
  EXPECT_FALSE(out(1));
  K(KfRaiseIrql)(DISPATCH_LEVEL);
  EXPECT_TRUE(out(1));
  EXPECT_FALSE(out(0));
  K(KeLowerIrql)(PASSIVE_LEVEL);
  EXPECT_FALSE(out(1));
}

TEST_P(PageableSectionTest, ALockHoldsAsOftenAsItWasTaken) {
  void* handle = K(MmLockPagableDataSection)(at(1) + 100);
  ASSERT_NE(handle, nullptr);
  K(MmLockPagableSectionByHandle)(handle);
  K(MmUnlockPagableImageSection)(handle);
  K(KfRaiseIrql)(HIGH_LEVEL);
  EXPECT_FALSE(out(1));
  K(KeLowerIrql)(PASSIVE_LEVEL);
  K(MmUnlockPagableImageSection)(handle);
  K(KfRaiseIrql)(HIGH_LEVEL);
  EXPECT_TRUE(out(1));
  EXPECT_EQ(violations(trace::Rule::irql_too_high), 0u);
  // Above APC_LEVEL no page can be read in [doc]: told, and done.
  K(MmLockPagableSectionByHandle)(handle);
  EXPECT_FALSE(out(1));
  EXPECT_EQ(violations(trace::Rule::irql_too_high), 1u);
}

TEST_P(PageableSectionTest, TheEntireDriverAndBack) {
  K(MmResetDriverPaging)(at(0));
  EXPECT_EQ(K(MmPageEntireDriver)(at(2)), memory_.begin());
  K(KfRaiseIrql)(DISPATCH_LEVEL);
  EXPECT_TRUE(out(0) && out(1) && out(2));
  K(KeLowerIrql)(PASSIVE_LEVEL);
  K(MmResetDriverPaging)(at(1));
  K(KfRaiseIrql)(DISPATCH_LEVEL);
  EXPECT_TRUE(!out(0) && out(1) && !out(2));
}

TEST_P(PageableSectionTest, WhatIsInNoSectionIsLockedAlready) {
  int somewhere = 0;
  EXPECT_EQ(K(MmLockPagableDataSection)(&somewhere), &somewhere);
  K(MmUnlockPagableImageSection)(&somewhere);
  EXPECT_EQ(K(MmPageEntireDriver)(&somewhere), nullptr);
}

}  // namespace
}  // namespace dumpsim::kernel::test
