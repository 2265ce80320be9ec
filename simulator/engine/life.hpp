// SPDX-License-Identifier: Apache-2.0
// A machine's life, as lived in the child: boots, crashes, hibernates as the timeline says, or takes the single steps
// of a sequence. Everything it has to tell goes into the trace and the totals.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "disk/block_device.hpp"
#include "engine/plan.hpp"
#include "engine/shared_block.hpp"
#include "kernel/file_tree.hpp"
#include "machine/machine.hpp"
#include "stack/crashdmp.hpp"
#include "stack/dump_stack.hpp"
#include "trace/recorder.hpp"

namespace dumpsim::engine {

/// The parts of a running machine, in the order they are built up. One at a time per process.
class Session {
 public:
  /// All references outlive it.
  static Result<std::unique_ptr<Session>> create(const scenario::Scenario& scenario, const Plan& plan, Images images,
                                                 machine::Machine& machine, disk::BlockDevice& disk,
                                                 trace::Recorder& recorder, SharedTexts& shared);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  /// The timeline's step of that name: drivers, and the dump stack unless there are no dumps. Once.
  Result<void> boot();
  /// The timeline or the sequence, to its end or until a filter ends it. `crash_over` is called after a crash behind
  /// which no driver runs again, so that the disk stays as it is.
  Result<void> live(const std::function<void()>& crash_over = {});

  /// The ordinary drivers of this start, as the boot does before and after it loads the dump stack.
  Result<void> start_drivers(stack::DriverStart which);

  stack::Environment& environment();
  trace::Recorder& recorder();
  const Plan& plan() const;
  /// Those that DumpFilters lists now, in its order.
  std::vector<stack::FilterSpec> filters() const;
  const kernel::FileTree& files() const;
  /// Expectations of registry and files that are not met now, a line each.
  std::string unmet_expectations() const;

 private:
  struct State;
  explicit Session(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace dumpsim::engine
