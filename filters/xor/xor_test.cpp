// SPDX-License-Identifier: Apache-2.0
// The filter that people start from: each thing its source claims is held here against the port below it.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "dumpsim/dumpsim.hpp"

namespace {

using dumpsim::api::Machine;
using dumpsim::api::MachineOptions;
using dumpsim::api::Stack;
using dumpsim::api::Transfer;

const std::string image = DUMPSIM_FILTERS "/xor.so";
constexpr std::array key{std::byte{0xa5}, std::byte{0x01}, std::byte{0xfe}};

Machine machine_with_key(MachineOptions options = {}) {
  Machine machine(std::move(options));
  machine.add_filter(image).parameter("Key", key);
  return machine;
}

std::vector<std::byte> sample(std::size_t bytes) {
  std::vector<std::byte> text(bytes);
  for (std::size_t i = 0; i < bytes; ++i) text[i] = static_cast<std::byte>(i * 7 + i / 4096);
  return text;
}

std::vector<std::byte> expected(std::uint64_t offset, std::vector<std::byte> text) {
  for (std::size_t i = 0; i < text.size(); ++i) text[i] ^= key[(offset + i) % key.size()];
  return text;
}

bool contains(const std::vector<std::string>& words, const std::string& word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

TEST(XorFilter, SwapsTheBufferAndLeavesTheOriginal) {
  Stack stack = machine_with_key().load();
  ASSERT_EQ(stack.entry_status(), 0);
  ASSERT_EQ(stack.start(), 0);
  const std::vector<std::byte> text = sample(5 * 4096 + 512);
  const Transfer written = stack.write(0x3000, text);
  EXPECT_EQ(written.status, 0);
  EXPECT_EQ(written.offset, 0x3000u);
  EXPECT_EQ(written.data, expected(0x3000, text));
  EXPECT_TRUE(written.source_untouched);
  EXPECT_TRUE(contains(written.changed, "PFNs"));
  EXPECT_TRUE(contains(written.changed, "MappedSystemVa"));
  EXPECT_FALSE(contains(written.changed, "DiskByteOffset"));
  EXPECT_TRUE(stack.violations().empty());
}

TEST(XorFilter, TakesEveryShapeOfMdl) {
  for (const std::string shape : {"nonpaged", "mapped", "mapped-stale-startva"}) {
    for (const std::string va : {"data", "page"}) {
      for (const std::uint32_t byte_offset : {0u, 512u, 3584u}) {
        SCOPED_TRACE(shape + ", " + va + ", " + std::to_string(byte_offset));
        Machine machine = machine_with_key();
        machine.policy("crash_mdl", shape).policy("mapped_va", va);
        Stack stack = machine.load();
        ASSERT_EQ(stack.start(), 0);
        const std::vector<std::byte> text = sample(2 * 4096);
        EXPECT_EQ(stack.write(0x5000, text, byte_offset).data, expected(0x5000, text));
        EXPECT_EQ(stack.ended(), "");
        EXPECT_TRUE(stack.violations().empty());
      }
    }
  }
}

TEST(XorFilter, ReachesAPortThatFollowsTheMappedAddress) {
  Machine machine = machine_with_key();
  machine.policy("port_data_path", "mapped-va");
  Stack stack = machine.load();
  ASSERT_EQ(stack.start(), 0);
  const std::vector<std::byte> text = sample(4096);
  EXPECT_EQ(stack.write(0, text).data, expected(0, text));
}

TEST(XorFilter, ReadsBackWhatItWrote) {
  Stack stack = machine_with_key().load();
  ASSERT_EQ(stack.start(), 0);
  const std::vector<std::byte> text = sample(16 * 4096);
  stack.write(0x10000, text);
  EXPECT_EQ(stack.read(0x10000, text.size()).data, text);
  EXPECT_TRUE(stack.violations().empty());
}

TEST(XorFilter, TakesANumberAsAKeyToo) {
  Machine machine;
  machine.add_filter(image).parameter("Key", 0xffffffffu);
  Stack stack = machine.load();
  ASSERT_EQ(stack.entry_status(), 0);
  const Transfer written = stack.write(0, std::vector<std::byte>(512, std::byte{0}));
  EXPECT_EQ(written.data, std::vector<std::byte>(512, std::byte{0xff}));
}

TEST(XorFilter, LoadsNoStackWithoutAKey) {
  Machine machine;
  machine.add_filter(image);
  const dumpsim::api::Run run = machine.run();
  EXPECT_EQ(run.outcome, "stack-not-loaded");
  EXPECT_EQ(run.writes, 0u);

  Machine wrong_type;
  wrong_type.add_filter(image).parameter("Key", std::string("secret"));
  EXPECT_EQ(wrong_type.run().outcome, "stack-not-loaded");
}

TEST(XorFilter, UnloadsWithoutALeak) {
  for (const bool started : {false, true}) {
    Stack stack = machine_with_key().load();
    if (started) {
      EXPECT_EQ(stack.start(), 0);
    }
    stack.unload();
    EXPECT_TRUE(stack.violations().empty()) << (started ? "after a start" : "without a start");
  }
}

TEST(XorFilter, StopsTheMachineRatherThanFail) {
  Stack stack = machine_with_key().policy("crash_mdl", "unmapped").load();
  ASSERT_EQ(stack.start(), 0);
  stack.write(0x1000, sample(4096));
  EXPECT_EQ(stack.ended(), "bugchecked");
}

TEST(XorFilter, CarriesAWholeDumpInEveryProfile) {
  for (const std::string profile : {"windows-7", "windows-8.1", "windows-10", "windows-11", "windows-11-25h2"}) {
    SCOPED_TRACE(profile);
    MachineOptions options;
    options.profile = profile;
    options.fragments = 3;
    const dumpsim::api::Run run = machine_with_key(options).run();
    EXPECT_EQ(run.outcome, "completed");
    EXPECT_EQ(run.readable_sectors, 0u);
    EXPECT_TRUE(run.violations.empty());
    // Windows 7 has no DumpRead, so the filter itself cannot undo what it wrote.
    if (profile != "windows-7") {
      EXPECT_EQ(run.recovered, "identical");
    }
  }
}

TEST(XorFilter, TwoOfThemUndoEachOther) {
  Machine machine;
  machine.add_filter(image).parameter("Key", key);
  machine.add_filter(image).parameter("Key", key);
  const dumpsim::api::Run run = machine.run();
  EXPECT_EQ(run.outcome, "completed");
  EXPECT_GT(run.readable_sectors, 0u) << "the control for every readable_sectors == 0 above";
}

}  // namespace
