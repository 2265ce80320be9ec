// SPDX-License-Identifier: Apache-2.0
// The callbacks of the filter, as a whole crash calls them: twice for the notes, once for each kind of pages, and the
// keys are wiped at the end. Unloading takes all of them out again.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "dumpsim/dumpsim.hpp"

namespace {

using dumpsim::api::Machine;
using dumpsim::api::MachineOptions;
using dumpsim::api::Run;
using dumpsim::api::Stack;

std::uint64_t calls(const Run& run, const std::string& callback) {
  std::uint64_t count = 0;
  for (const auto& call : run.calls) count += call.callback == callback ? call.count : 0;
  return count;
}

TEST(CrashNotesFilter, IsAskedForNotesAndPages) {
  MachineOptions options;
  options.dump_kind = "kernel";
  Machine machine(options);
  machine.add_filter(DUMPSIM_FILTERS "/crash_notes.so");
  const Run run = machine.run();
  EXPECT_EQ(run.outcome, "completed");
  EXPECT_EQ(run.recovered, "identical");
  EXPECT_EQ(calls(run, "SecondaryDumpData"), 2u);
  EXPECT_EQ(calls(run, "AddPages"), 1u);
  EXPECT_EQ(calls(run, "RemovePages"), 1u);
  EXPECT_EQ(calls(run, "BugCheckCallback"), 1u);
  EXPECT_EQ(calls(run, "DumpIo"), 0u) << "the control: it did not ask for that";
  EXPECT_TRUE(run.violations.empty());
  EXPECT_NE(run.trace.find("{1b0c7a52-3d0f-4a8e-9d6c-5e1f2a3b4c5d}"), std::string::npos);
}

TEST(CrashNotesFilter, ACompleteDumpOfWindows7IsNotAskedForPages) {
  MachineOptions options;
  options.profile = "windows-7";
  Machine machine(options);
  machine.add_filter(DUMPSIM_FILTERS "/crash_notes.so");
  const Run run = machine.run();
  EXPECT_EQ(run.recovered, "identical");
  EXPECT_EQ(calls(run, "AddPages"), 0u);
  EXPECT_EQ(calls(run, "SecondaryDumpData"), 2u);
}

TEST(CrashNotesFilter, LeavesNothingRegisteredWhenItIsUnloaded) {
  Machine machine;
  machine.add_filter(DUMPSIM_FILTERS "/crash_notes.so");
  Stack stack = machine.load();
  EXPECT_EQ(stack.entry_status(), 0);
  stack.unload();
  EXPECT_TRUE(stack.violations().empty());
}

}  // namespace
