// SPDX-License-Identifier: Apache-2.0
// The filter that does nothing, in both calling conventions: nothing may change on its way through, and every callback
// must come.
#include <gtest/gtest.h>

#include <cstddef>
#include <string>
#include <vector>

#include "dumpsim/dumpsim.hpp"

namespace {

using dumpsim::api::Machine;
using dumpsim::api::MachineOptions;

using dumpsim::api::Stack;
using dumpsim::api::Transfer;

class PassthroughFilter : public testing::TestWithParam<const char*> {
 protected:
  std::string image() const { return std::string(DUMPSIM_FILTERS "/") + GetParam(); }
};

TEST_P(PassthroughFilter, ChangesNothingOnTheWay) {
  Machine machine;
  machine.add_filter(image());
  Stack stack = machine.load();
  ASSERT_EQ(stack.entry_status(), 0);
  ASSERT_EQ(stack.start(), 0);
  std::vector<std::byte> text(8192);
  for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<std::byte>(i ^ i >> 8);
  const Transfer written = stack.write(0x2000, text);
  EXPECT_EQ(written.status, 0);
  EXPECT_EQ(written.offset, 0x2000u);
  EXPECT_EQ(written.data, text);
  EXPECT_TRUE(written.changed.empty());
  const Transfer read = stack.read(0x2000, text.size());
  EXPECT_EQ(read.data, text);
  EXPECT_TRUE(read.changed.empty());
  EXPECT_EQ(stack.finish(), 0);
  stack.unload();
  EXPECT_TRUE(stack.violations().empty());
  EXPECT_EQ(stack.ended(), "");
}

TEST_P(PassthroughFilter, SeesEveryCallbackOfACrash) {
  MachineOptions options;
  options.fragments = 3;
  Machine machine(options);
  machine.add_filter(image());
  const dumpsim::api::Run run = machine.run();
  EXPECT_EQ(run.outcome, "completed");
  EXPECT_EQ(run.recovered, "identical");
  EXPECT_GT(run.readable_sectors, 0u) << "it protects nothing";
  EXPECT_TRUE(run.disabled.empty());
  std::vector<std::string> callbacks;
  for (const dumpsim::api::Call& call : run.calls) {
    EXPECT_EQ(call.status, 0) << call.callback;
    callbacks.push_back(call.callback);
  }
  ASSERT_GE(callbacks.size(), 4u);
  EXPECT_EQ(callbacks[0], "DriverEntry");
  EXPECT_EQ(callbacks[1], "DumpStart");
  EXPECT_EQ(callbacks[2], "DumpWrite");
}

TEST_P(PassthroughFilter, StaysWithinTheStructuresOfEveryProfile) {
  for (const std::string profile : {"windows-7", "windows-8.1", "windows-10", "windows-11", "windows-11-25h2"}) {
    SCOPED_TRACE(profile);
    MachineOptions options;
    options.profile = profile;
    Machine machine(options);
    machine.add_filter(image());
    const dumpsim::api::Run run = machine.run();
    EXPECT_EQ(run.outcome, "completed");
    EXPECT_EQ(run.recovered, "identical");
    EXPECT_TRUE(run.violations.empty());
  }
}

INSTANTIATE_TEST_SUITE_P(Conventions, PassthroughFilter, testing::Values("passthrough.so", "passthrough-ms.so"),
                         [](const auto& which) {
                           return std::string(which.param) == "passthrough.so" ? "SystemV" : "Microsoft";
                         });

}  // namespace
