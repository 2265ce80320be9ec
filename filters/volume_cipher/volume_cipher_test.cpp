// SPDX-License-Identifier: Apache-2.0
// The dump filter's side of the pair; whether the driver reads it back is what the scenarios ask.
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "dumpsim/dumpsim.hpp"

namespace {

using dumpsim::api::Machine;
using dumpsim::api::Stack;
using dumpsim::api::Transfer;

const std::string driver = DUMPSIM_FILTERS "/volume_cipher.so";
const std::string filter = DUMPSIM_FILTERS "/volume_cipher_filter.so";

TEST(VolumeCipherFilter, EncryptsByTheSectorOnThePartition) {
  Machine machine;
  machine.add_driver(driver, "boot", true).parameter("Key", 7);
  machine.add_filter(filter);
  Stack stack = machine.load();
  ASSERT_EQ(stack.entry_status(), 0) << stack.trace();
  ASSERT_EQ(stack.start(), 0);
  const std::vector<std::byte> text(4096);
  const Transfer written = stack.write(0x3000, text);
  EXPECT_NE(written.data, text);
  EXPECT_TRUE(written.source_untouched);
  const std::vector<std::byte> first(written.data.begin(), written.data.begin() + 512);
  const std::vector<std::byte> second(written.data.begin() + 512, written.data.begin() + 1024);
  EXPECT_NE(first, second) << "no two sectors alike";
  const Transfer later = stack.write(0x3200, text);
  EXPECT_EQ(std::vector<std::byte>(later.data.begin(), later.data.begin() + 512), second);
  EXPECT_EQ(stack.read(0x3000, text.size()).data.size(), text.size());
  EXPECT_TRUE(stack.violations().empty());
}

TEST(VolumeCipherFilter, IsReadBackByTheDriverOnTheVolume) {
  Machine machine({.fragments = 5});
  machine.add_driver(driver, "boot", true).parameter("Key", 7);
  machine.add_filter(filter).compare_volume_path();
  const auto run = machine.run();
  EXPECT_EQ(run.volume_path, "identical") << run.volume_path_detail;
  EXPECT_EQ(run.readable_sectors, 0u);
}

TEST(VolumeCipherFilter, IsNotReadBackByAnotherKey) {
  Machine machine;
  machine.add_driver(driver, "boot", true).parameter("Key", 7);
  machine.add_filter(DUMPSIM_FILTERS "/xor.so").parameter("Key", 7).compare_volume_path();
  const auto run = machine.run();
  EXPECT_EQ(run.volume_path, "different");
  EXPECT_NE(run.volume_path_detail.find("what DumpRead gives back is a dump"), std::string::npos)
      << run.volume_path_detail;
}

TEST(VolumeCipherFilter, WithoutAKeyThereIsNoDump) {
  Machine machine;
  machine.add_filter(filter);
  EXPECT_EQ(machine.run().outcome, "stack-not-loaded");
}

}  // namespace
