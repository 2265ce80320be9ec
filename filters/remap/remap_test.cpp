// SPDX-License-Identifier: Apache-2.0
// Every write lands Delta further on, nothing lands where it was meant to, and a distance that leaves the partition is
// refused before anything is written.
#include <gtest/gtest.h>

#include <cstddef>
#include <string>
#include <vector>

#include "dumpsim/dumpsim.hpp"

namespace {

using dumpsim::api::Machine;

using dumpsim::api::Stack;
using dumpsim::api::Transfer;

const std::string image = DUMPSIM_FILTERS "/remap.so";

TEST(RemapFilter, MovesTheOffsetAndNothingElse) {
  Machine machine;
  machine.add_filter(image).parameter("Delta", 0x200000u).redirects();
  Stack stack = machine.load();
  ASSERT_EQ(stack.entry_status(), 0);
  ASSERT_EQ(stack.start(), 0);
  const std::vector<std::byte> text(4096, std::byte{0x3c});
  const Transfer written = stack.write(0x7000, text);
  EXPECT_EQ(written.status, 0);
  EXPECT_EQ(written.offset, 0x207000u);
  EXPECT_EQ(written.data, text);
  EXPECT_EQ(written.changed, std::vector<std::string>{"DiskByteOffset"});
  EXPECT_EQ(stack.read(0x207000, 4096).data, text);
  EXPECT_NE(stack.read(0x7000, 4096).data, text) << "nothing may have been written where it was meant to go";
}

TEST(RemapFilter, RefusesADistanceThatIsNoMultipleOfASector) {
  Machine machine;
  machine.add_filter(image).parameter("Delta", 100u);
  const dumpsim::api::Run run = machine.run();
  EXPECT_EQ(run.outcome, "stack-not-loaded");
  EXPECT_EQ(run.writes, 0u);
}

TEST(RemapFilter, RefusesADistanceLongerThanThePartition) {
  Machine machine;
  machine.add_filter(image).parameter("Delta", 0xfffffe00u);
  EXPECT_EQ(machine.run().outcome, "stack-not-loaded");
}

TEST(RemapFilter, IsRequired) {
  Machine machine;
  machine.add_filter(image);  // no Delta
  EXPECT_EQ(machine.run().outcome, "stack-not-loaded");
}

TEST(RemapFilter, IsReportedUnlessDeclared) {
  Machine machine;
  machine.add_filter(image).parameter("Delta", 0x200000u);
  const dumpsim::api::Run undeclared = machine.run();
  EXPECT_GT(undeclared.redirected, 0u);
  bool reported = false;
  for (const dumpsim::api::Violation& violation : undeclared.violations) {
    reported = reported || violation.rule == "offset.outside-dump-file";
  }
  EXPECT_TRUE(reported);
}

}  // namespace
