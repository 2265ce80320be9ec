// SPDX-License-Identifier: Apache-2.0
// The filter whose key comes late, in both calling conventions: encrypted once it is there, the machine stopped before.
#include <gtest/gtest.h>

#include <string>

#include "dumpsim/dumpsim.hpp"

namespace {

using dumpsim::api::Machine;
using dumpsim::api::Run;

class LateSetupFilter : public testing::TestWithParam<const char*> {
 protected:
  Run run() const {
    Machine machine;
    machine.add_filter(std::string(DUMPSIM_FILTERS "/") + GetParam());
    return machine.run();
  }
};

TEST_P(LateSetupFilter, EncryptsOnceItIsReady) {
  const Run first = run();
  EXPECT_EQ(first.outcome, "completed");
  EXPECT_EQ(first.readable_sectors, 0u);
  EXPECT_TRUE(first.violations.empty());
}

INSTANTIATE_TEST_SUITE_P(Conventions, LateSetupFilter, testing::Values("late_setup.so", "late_setup-ms.so"),
                         [](const auto& which) {
                           return std::string(which.param) == "late_setup.so" ? "SystemV" : "Microsoft";
                         });

}  // namespace
