// SPDX-License-Identifier: Apache-2.0
#include "engine/next_boot.hpp"

#include <fmt/format.h>

#include "engine/run.hpp"
#include "engine/verdict.hpp"
#include "machine/system_calls.hpp"
#include "trace/reader.hpp"

namespace dumpsim::engine {
namespace {

constexpr std::size_t trace_bytes = std::size_t{1} << 20;

}  // namespace

Result<NextBootTrace> NextBootTrace::create(const machine::Machine& machine) {
  auto block = Mapping::shared(trace_bytes);
  if (!block) return block.error();
  NextBootTrace made;
  made.block_ = *std::move(block);
  // A small table of calls is touched in fewer pages.
  made.recorder_ = std::make_unique<trace::Recorder>(
      made.block_.bytes(), &machine.clock.now, trace::RecorderOptions{.call_runs = 64, .sites = 8, .untouched = true});
  return made;
}

std::string NextBootTrace::death(const ChildEnd& end, const SharedTexts& shared) const {
  // As for a run: who did what, from totals and trace.
  Report told;
  recorder_->catch_up();  // what cannot be continued can be read as far as it goes
  const auto view = trace::TraceView::open(block_.bytes());
  if (!view) return "reading back ended, nothing is known of why: " + view.error().message;
  if (auto known = tell_outcome(end, shared, *view, told); !known)
    return "reading back ended: " + known.error().message;
  return fmt::format("reading back {}: {}", scenario::name_of(told.outcome), told.outcome_detail);
}

Result<std::unique_ptr<Session>> boot_next(const NextBoot& boot, trace::Recorder& recorder, SharedTexts& shared) {
  if (boot.give_up_shared) boot.give_up_shared();
  machine::raise_system_call_wall();
  boot.machine.clock = {};
  return Session::create(boot.scenario, boot.plan, boot.images, boot.machine, boot.disk, recorder, shared);
}

Result<FreshStack> FreshStack::load(Session& session, const disk::ExtentMap& file) {
  stack::Environment& env = session.environment();
  if (auto started = session.start_drivers(stack::DriverStart::boot); !started) return started.error();
  if (env.totals.ended != stack::Ended::no) return Error{"an ordinary driver ended the machine"};
  FreshStack made;
  made.stack_ = std::make_unique<stack::DumpStack>(env, stack::Usage::crash, session.filters());
  auto status = made.stack_->load();
  if (!status) return status.error();
  if (*status < 0) return Error{"the dump stack did not load for reading"};
  made.stack_->open_port();
  made.stack_->set_file(&file);
  made.reader_ = std::make_unique<stack::FileReader>(env, *made.stack_, file);
  return made;
}

void FreshStack::leave_standing() {
  static_cast<void>(reader_.release());
  static_cast<void>(stack_.release());
}

}  // namespace dumpsim::engine
