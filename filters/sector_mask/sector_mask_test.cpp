// SPDX-License-Identifier: Apache-2.0
// The tutorial's wrong filter must stay wrong in exactly one way, or the tutorial shows nothing.
#include <gtest/gtest.h>

#include <cstddef>
#include <vector>

#include "dumpsim/dumpsim.hpp"

namespace {

TEST(SectorMaskFilter, MasksEverySectorButOneIn256) {
  dumpsim::api::Machine machine;
  machine.add_filter(DUMPSIM_FILTERS "/sector_mask.so");
  dumpsim::api::Stack stack = machine.load();
  ASSERT_EQ(stack.start(), 0);
  const dumpsim::api::Transfer written = stack.write(std::uint64_t{255} * 512, std::vector<std::byte>(2 * 512));
  std::vector<std::byte> expected(2 * 512);
  for (std::size_t i = 0; i < 512; ++i) expected[i] = std::byte{0xff};
  EXPECT_EQ(written.data, expected);
  EXPECT_TRUE(written.source_untouched);
  EXPECT_TRUE(stack.violations().empty());
}

TEST(SectorMaskFilter, IsCaughtByWhatIsReadableOnTheDiskAlone) {
  dumpsim::api::Machine machine;
  machine.add_filter(DUMPSIM_FILTERS "/sector_mask.so");
  const dumpsim::api::Run run = machine.run();
  EXPECT_EQ(run.outcome, "completed");
  EXPECT_EQ(run.recovered, "identical");
  EXPECT_TRUE(run.violations.empty());
  EXPECT_EQ(run.readable_sectors, 8u) << "1 MiB of memory has 2048 sectors";
}

}  // namespace
