// SPDX-License-Identifier: Apache-2.0
// What the logger prints is what happened: the same offsets and lengths as the writes, one line each, and nothing
// changed by the looking.
#include <gtest/gtest.h>

#include <cstddef>
#include <string>
#include <vector>

#include "dumpsim/dumpsim.hpp"

namespace {

using dumpsim::api::Machine;
using dumpsim::api::Stack;
using dumpsim::api::Transfer;

bool printed(const std::vector<std::string>& lines, const std::string& text) {
  for (const std::string& line : lines) {
    if (line.find(text) != std::string::npos) return true;
  }
  return false;
}

TEST(LoggerFilter, PrintsOffsetAndLengthOfEveryTransfer) {
  Machine machine;
  machine.add_filter(DUMPSIM_FILTERS "/logger.so");
  Stack stack = machine.load();
  ASSERT_EQ(stack.start(), 0);
  const std::vector<std::byte> text(8192, std::byte{0x77});
  const Transfer written = stack.write(0x123000, text);
  EXPECT_EQ(written.data, text);
  EXPECT_TRUE(written.changed.empty());
  stack.read(0x45000, 4096);
  stack.finish();
  stack.unload();
  const std::vector<std::string> lines = stack.debug_output();
  EXPECT_TRUE(printed(lines, "logger: dump type 1, version 2.0, 16 pages a write"));
  EXPECT_TRUE(printed(lines, "logger: start, dump type 1"));
  EXPECT_TRUE(printed(lines, "logger: write 0x123000 +0x2000"));
  EXPECT_TRUE(printed(lines, "logger: read 0x45000 +0x1000"));
  EXPECT_TRUE(printed(lines, "logger: finish"));
  EXPECT_TRUE(printed(lines, "logger: unload"));
  EXPECT_FALSE(printed(lines, "logger: write 0x45000")) << "the control: a line that must not be there";
}

TEST(LoggerFilter, SeesWhatTheFilterBeforeItLeft) {
  Machine machine;
  machine.add_filter(DUMPSIM_FILTERS "/remap.so").parameter("Delta", 0x100000u).redirects();
  machine.add_filter(DUMPSIM_FILTERS "/logger.so");
  Stack stack = machine.load();
  ASSERT_EQ(stack.start(), 0);
  stack.write(0x10000, std::vector<std::byte>(4096));
  EXPECT_TRUE(printed(stack.debug_output(), "logger: write 0x110000 +0x1000"));
}

}  // namespace
