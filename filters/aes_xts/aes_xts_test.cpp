// SPDX-License-Identifier: Apache-2.0
// The filter in the machine: what reaches the disk is what OpenSSL makes of it under the sector's number on the whole
// disk, reads give it back, the machine's pages stay untouched, and whatever is wrong with its parameters keeps a dump
// from being written at all.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "dumpsim/dumpsim.hpp"
#include "xts_reference.hpp"

namespace {

using dumpsim::api::Machine;
using dumpsim::api::MachineOptions;
using dumpsim::api::Stack;
using dumpsim::api::Transfer;

const std::string image = DUMPSIM_FILTERS "/aes_xts.so";

std::vector<std::byte> key_of(std::size_t bytes) {
  std::vector<std::byte> key(bytes);
  for (std::size_t i = 0; i < bytes; ++i) key[i] = static_cast<std::byte>(0x31 + 7 * i);
  return key;
}

std::vector<std::byte> sample(std::size_t bytes) {
  std::vector<std::byte> text(bytes);
  for (std::size_t i = 0; i < bytes; ++i) text[i] = static_cast<std::byte>(i * 13 + i / 512);
  return text;
}

std::vector<std::byte> reference(const std::vector<std::byte>& key, std::uint64_t disk_offset,
                                 const std::vector<std::byte>& text) {
  const auto bytes = [](const std::vector<std::byte>& from) {
    return std::span(reinterpret_cast<const std::uint8_t*>(from.data()), from.size());
  };
  const std::vector<std::uint8_t> cipher = xts_reference::apply(true, bytes(key), disk_offset / 512, bytes(text));
  std::vector<std::byte> result(cipher.size());
  std::transform(cipher.begin(), cipher.end(), result.begin(), [](std::uint8_t byte) { return std::byte{byte}; });
  return result;
}

Machine machine_with(const std::vector<std::byte>& key, MachineOptions options = {}) {
  Machine machine(std::move(options));
  machine.add_filter(image).parameter("Key", key);
  return machine;
}

TEST(AesXtsFilter, WritesWhatOpensslWouldUnderTheSectorsNumberOnTheDisk) {
  for (const std::size_t key_bytes : {std::size_t{32}, std::size_t{64}}) {
    for (const std::uint32_t portable : {0u, 1u}) {
      SCOPED_TRACE(std::to_string(key_bytes) + (portable != 0 ? " portable" : " best"));
      MachineOptions options;
      options.partition_offset = 3u << 20;
      const std::vector<std::byte> key = key_of(key_bytes);
      Machine machine = machine_with(key, options);
      machine.parameter("Portable", portable);
      Stack stack = machine.load();
      ASSERT_EQ(stack.entry_status(), 0);
      ASSERT_EQ(stack.start(), 0);
      const std::vector<std::byte> text = sample(3 * 4096 + 512);
      const Transfer written = stack.write(0x12000, text);
      EXPECT_EQ(written.status, 0);
      EXPECT_EQ(written.offset, 0x12000u);
      EXPECT_TRUE(written.source_untouched);
      EXPECT_EQ(written.data, reference(key, (3u << 20) + 0x12000, text));
      EXPECT_NE(written.data, reference(key, 0x12000, text)) << "the control: the partition's offset counts";
      EXPECT_TRUE(stack.violations().empty());
    }
  }
}

TEST(AesXtsFilter, ReadsBackWhatItWrote) {
  Stack stack = machine_with(key_of(64)).load();
  ASSERT_EQ(stack.start(), 0);
  const std::vector<std::byte> text = sample(16 * 4096);
  stack.write(0x40000, text);
  const Transfer read = stack.read(0x40000, text.size());
  EXPECT_EQ(read.status, 0);
  EXPECT_EQ(read.data, text);
  EXPECT_TRUE(stack.violations().empty());
}

TEST(AesXtsFilter, TakesDataThatBeginsWithinAPage) {
  const std::vector<std::byte> key = key_of(64);
  Stack stack = machine_with(key).load();
  ASSERT_EQ(stack.start(), 0);
  const std::vector<std::byte> text = sample(4096);
  const Transfer written = stack.write(0x8000, text, 1536);
  EXPECT_EQ(written.data, reference(key, (1u << 20) + 0x8000, text));
  EXPECT_TRUE(written.source_untouched);
  EXPECT_TRUE(stack.violations().empty());
}

TEST(AesXtsFilter, StillWorksForTheLogThatIsWrittenAfterFinish) {
  const std::vector<std::byte> key = key_of(64);
  Stack stack = machine_with(key).load();
  ASSERT_EQ(stack.start(), 0);
  ASSERT_EQ(stack.finish(), 0);
  const std::vector<std::byte> text = sample(4096);
  EXPECT_EQ(stack.write(0, text).data, reference(key, 1u << 20, text));
  EXPECT_EQ(stack.ended(), "");
}

TEST(AesXtsFilter, LeavesNothingBehindWithAndWithoutStart) {
  for (const bool started : {false, true}) {
    Stack stack = machine_with(key_of(64)).load();
    if (started) {
      EXPECT_EQ(stack.start(), 0);
    }
    stack.unload();
    EXPECT_TRUE(stack.violations().empty()) << (started ? "after a start" : "without a start");
  }
}

TEST(AesXtsFilter, CarriesAWholeDump) {
  MachineOptions options;
  options.fragments = 5;
  const dumpsim::api::Run run = machine_with(key_of(64), options).run();
  EXPECT_EQ(run.outcome, "completed");
  EXPECT_EQ(run.recovered, "identical");
  EXPECT_EQ(run.readable_sectors, 0u);
  EXPECT_EQ(run.redirected, 0u);
  EXPECT_TRUE(run.violations.empty());
  EXPECT_GT(run.writes, 0u);
}

TEST(AesXtsFilter, ManagesOnWindows7WithoutReads) {
  MachineOptions options;
  options.profile = "windows-7";
  const dumpsim::api::Run run = machine_with(key_of(32), options).run();
  EXPECT_EQ(run.outcome, "completed");
  EXPECT_EQ(run.readable_sectors, 0u);
  EXPECT_TRUE(run.violations.empty());
}

TEST(AesXtsFilter, LoadsNoStackWithoutAGoodKey) {
  std::vector<std::byte> equal_halves(64, std::byte{0x42});
  for (const std::vector<std::byte>& key : {key_of(48), key_of(16), equal_halves}) {
    const dumpsim::api::Run run = machine_with(key).run();
    EXPECT_EQ(run.outcome, "stack-not-loaded") << key.size() << " bytes of key";
    EXPECT_EQ(run.writes, 0u);
  }
  Machine without_key;
  without_key.add_filter(image);
  EXPECT_EQ(without_key.run().outcome, "stack-not-loaded");
}

TEST(AesXtsFilter, StopsTheMachineRatherThanFail) {
  Stack stack = machine_with(key_of(64)).policy("crash_mdl", "unmapped").load();
  ASSERT_EQ(stack.start(), 0);
  stack.write(0x1000, sample(4096));
  EXPECT_EQ(stack.ended(), "bugchecked");
}

}  // namespace
