// SPDX-License-Identifier: Apache-2.0
// The tutorial's wrong filter must stay wrong in exactly one way, or the tutorial shows nothing.
#include <gtest/gtest.h>

#include <cstddef>
#include <vector>

#include "dumpsim/dumpsim.hpp"

namespace {

TEST(OnePageFilter, ProtectsOnePageAndLeavesTheOthers) {
  dumpsim::api::Machine machine;
  machine.add_filter(DUMPSIM_FILTERS "/one_page.so");
  dumpsim::api::Stack stack = machine.load();
  ASSERT_EQ(stack.start(), 0);
  const std::vector<std::byte> zeros(2 * 4096);
  const dumpsim::api::Transfer written = stack.write(0x1000, zeros);
  std::vector<std::byte> expected(2 * 4096);
  for (std::size_t i = 0; i < 4096; ++i) expected[i] = std::byte{0xa5};
  EXPECT_EQ(written.data, expected);
  EXPECT_TRUE(written.source_untouched);
  EXPECT_TRUE(stack.violations().empty());
}

TEST(OnePageFilter, IsCaughtByWhatIsReadableOnTheDiskAlone) {
  dumpsim::api::Machine machine;
  machine.add_filter(DUMPSIM_FILTERS "/one_page.so");
  const dumpsim::api::Run run = machine.run();
  EXPECT_EQ(run.outcome, "completed");
  EXPECT_EQ(run.recovered, "identical");
  EXPECT_TRUE(run.violations.empty());
  EXPECT_GT(run.readable_sectors, 0u);
}

TEST(OnePageFilter, WorksWhereItWasWritten) {
  dumpsim::api::Machine machine;
  machine.policy("max_pages_per_write", "1");
  machine.add_filter(DUMPSIM_FILTERS "/one_page.so");
  const dumpsim::api::Run run = machine.run();
  EXPECT_EQ(run.recovered, "identical");
  EXPECT_EQ(run.readable_sectors, 0u);
}

}  // namespace
