// SPDX-License-Identifier: Apache-2.0
// A filter and its main driver out of one image: what goes to the disk is the main driver's doing.
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "dumpsim/dumpsim.hpp"

namespace {

using dumpsim::api::Machine;
using dumpsim::api::Stack;
using dumpsim::api::Transfer;

const std::string image = DUMPSIM_FILTERS "/two_roles.so";
constexpr std::uint32_t key = 0x01020304;

Machine both() {
  Machine machine;
  machine.add_driver(image).parameter("Key", key);
  machine.add_filter(image);
  return machine;
}

TEST(TwoRolesFilter, EncryptsWithItsMainDriversKey) {
  Stack stack = both().load();
  ASSERT_EQ(stack.entry_status(), 0) << stack.trace();
  ASSERT_EQ(stack.start(), 0);
  const std::vector<std::byte> text(4096);
  const Transfer written = stack.write(0x3000, text);
  std::uint64_t first = 0;
  std::memcpy(&first, written.data.data(), sizeof first);
  EXPECT_EQ(first, ((std::uint64_t{key} << 32) | key) + 0x3000 / 8);
  EXPECT_TRUE(written.source_untouched);
  EXPECT_EQ(stack.read(0x3000, text.size()).data, text);
  EXPECT_TRUE(stack.violations().empty());
}

TEST(TwoRolesFilter, DumpsAndIsReadBack) {
  const dumpsim::api::Run run = both().run();
  EXPECT_EQ(run.outcome, "completed");
  EXPECT_EQ(run.recovered, "identical");
  EXPECT_EQ(run.readable_sectors, 0u);
}

TEST(TwoRolesFilter, WithoutAKeyNothingIsEncrypted) {
  Machine machine;
  machine.add_driver(image);
  machine.add_filter(image);
  const dumpsim::api::Run run = machine.run();
  EXPECT_EQ(run.outcome, "completed");
  EXPECT_NE(run.readable_sectors, 0u);
}

TEST(TwoRolesFilter, AMainDriverThatComesLateIsNotThere) {
  Machine machine;
  machine.add_driver(image, "system");
  machine.add_filter(image);
  EXPECT_EQ(machine.run().outcome, "bugchecked") << "the filter takes itself for the main driver";
}

TEST(TwoRolesFilter, MistakesInTheAskingAreSaid) {
  Machine machine;
  EXPECT_THROW(machine.add_driver("/nowhere/main.so"), dumpsim::api::UsageError);
  EXPECT_THROW(machine.add_driver(image, "late"), dumpsim::api::UsageError);
  machine.add_driver(image);
  EXPECT_THROW(machine.add_driver(image), dumpsim::api::UsageError);
  EXPECT_THROW(machine.redirects(), dumpsim::api::UsageError) << "a driver moves no writes";
}

}  // namespace
