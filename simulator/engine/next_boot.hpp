// SPDX-License-Identifier: Apache-2.0
// The machine of the next boot, in a child of its own: what reads a dump back begins with it, whatever it reads
// through.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/mapping.hpp"
#include "base/result.hpp"
#include "disk/block_device.hpp"
#include "disk/extents.hpp"
#include "engine/life.hpp"
#include "engine/plan.hpp"
#include "engine/sandbox.hpp"
#include "engine/shared_block.hpp"
#include "machine/machine.hpp"
#include "scenario/scenario.hpp"
#include "stack/crashdmp.hpp"
#include "stack/dump_stack.hpp"
#include "trace/recorder.hpp"

namespace dumpsim::engine {

/// What such a machine is made from.
struct NextBoot {
  const scenario::Scenario& scenario;
  const Plan& plan;
  const Images& images;
  machine::Machine& machine;
  disk::BlockDevice& disk;
  /// Done in the child before any driver is loaded: what the machine before it shared with the parent is given up.
  std::function<void()> give_up_shared = {};
};

/// The trace of such a machine, which nobody shows: it says how the child died.
class NextBootTrace {
 public:
  /// `machine` outlives it.
  static Result<NextBootTrace> create(const machine::Machine& machine);
  trace::Recorder& recorder() { return *recorder_; }
  /// For a child that did not come to its end: "reading back crashed: dump_xor in DumpRead, callback 7: …".
  std::string death(const ChildEnd& end, const SharedTexts& shared) const;

 private:
  NextBootTrace() = default;
  Mapping block_;
  std::unique_ptr<trace::Recorder> recorder_;
};

/// In the child, first of all: the walls, and a machine whose time begins anew.
Result<std::unique_ptr<Session>> boot_next(const NextBoot& boot, trace::Recorder& recorder, SharedTexts& shared);

/// A fresh crash stack of such a machine, ready to read a file back.
class FreshStack {
 public:
  /// Both outlive it. Fails with why it cannot be had, in words for the report.
  static Result<FreshStack> load(Session& session, const disk::ExtentMap& file);
  stack::DumpStack& stack() { return *stack_; }
  stack::FileReader& reader() { return *reader_; }
  /// Before the child ends: it would be taken down piece by piece, and the end does that at once.
  void leave_standing();

 private:
  FreshStack() = default;
  std::unique_ptr<stack::DumpStack> stack_;
  std::unique_ptr<stack::FileReader> reader_;
};

}  // namespace dumpsim::engine
