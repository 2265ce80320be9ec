// SPDX-License-Identifier: Apache-2.0
// What time brings: timers that are due, waits that have lasted long enough, and the DPCs that follow. DPCs run on a
// stack of their own, one after the other to their end, as a processor's do [doc]; the thread they interrupt stays the
// current one.
#include <algorithm>

#include "kernel/kernel.hpp"
#include "kernel/line.hpp"
//
#include "kernel/dispatcher.hpp"

namespace dumpsim::kernel {

using State = Thread::State;

std::uint64_t Scheduler::next_due() const {
  std::uint64_t due = no_deadline;
  if (const Timers::Entry* timer = timers_.next(); timer != nullptr) due = timer->due;
  const auto consider = [&due](const Thread& thread) {
    if (thread.state == State::waiting) due = std::min(due, thread.wait.deadline);
  };
  consider(first_);
  for (const auto& thread : threads_) consider(*thread);
  return due;
}

bool Scheduler::expire_one() {
  const std::uint64_t now = kernel_.machine().clock.now;
  Thread* sleeper = nullptr;
  const auto consider = [&](Thread& thread) {
    if (thread.state != State::waiting || thread.wait.deadline > now) return;
    if (sleeper == nullptr || thread.wait.deadline < sleeper->wait.deadline ||
        (thread.wait.deadline == sleeper->wait.deadline && thread.wait.order < sleeper->wait.order)) {
      sleeper = &thread;
    }
  };
  consider(first_);
  for (const auto& thread : threads_) consider(*thread);
  const Timers::Entry* timer = timers_.next();
  if (timer != nullptr && timer->due <= now && (sleeper == nullptr || timer->due <= sleeper->wait.deadline)) {
    const Timers::Entry entry = *timer;
    timers_.remove(entry.timer);
    timer_expired(kernel_, entry);
    return true;
  }
  if (sleeper == nullptr) return false;
  sleeper->wait.timed_out = true;
  make_ready(*sleeper);
  return true;
}

void Scheduler::deliver() {
  if (delivering_) return;
  delivering_ = true;
  bool any = true;
  while (any) {
    any = false;
    while (expire_one()) any = true;
    if (!dpcs_.empty()) {
      run_dpcs();
      any = true;
    }
  }
  delivering_ = false;
}

void Scheduler::run_dpcs() {
  machine::Gate& gate = kernel_.gate();
  if (dpc_stack_ == nullptr) {
    const machine::GuestStack& like = gate.main().stack();
    auto made =
        machine::GuestStack::create(static_cast<std::size_t>(like.high() - like.low()) / machine::GuestStack::growth);
    if (made) dpc_stack_ = std::make_unique<machine::GuestStack>(*std::move(made));
  }
  if (dpc_stack_ != nullptr && dpc_strand_ == nullptr) {
    dpc_strand_ = std::make_unique<machine::Strand>(*dpc_stack_);
    gate.prepare(*dpc_strand_, &dpc_strand, this);
  }
  machine::Processor& processor = kernel_.machine().processor;
  const std::uint8_t irql = processor.irql;
  Context& interrupted = kernel_.context();
  kernel_.set_context(dpc_context_);
  processor.irql = DISPATCH_LEVEL;
  in_dpc_ = true;
  if (dpc_strand_ != nullptr) {
    interrupted_ = &gate.running();
    gate.switch_to(*dpc_strand_);
  } else {
    while (auto entry = dpcs_.pop()) run_one_dpc(*entry);  // no room for another stack: on this one
  }
  in_dpc_ = false;
  processor.irql = irql;
  kernel_.set_context(interrupted);
  kernel_.tell_running(interrupted);
}

void Scheduler::dpc_strand(void* context) {
  auto& self = *static_cast<Scheduler*>(context);
  for (;;) {
    while (auto entry = self.dpcs_.pop()) self.run_one_dpc(*entry);
    self.kernel_.gate().switch_to(*self.interrupted_);
  }
}

void Scheduler::run_one_dpc(const Dpcs::Entry& entry) {
  ++turns_;
  const ImageRange* image = kernel_.image_at(entry.routine);
  dpc_context_.image = image != nullptr ? image->id : trace::no_image;
  dpc_context_.callback = trace::Callback::dpc;
  dpc_context_.depth = 0;
  dpc_context_.exceptions = {};
  kernel_.tell_running(dpc_context_);
  machine::Processor& processor = kernel_.machine().processor;
  kernel_.recorder().dpc_run(dpc_context_.image, processor.irql);
  const std::uint64_t arguments[] = {reinterpret_cast<std::uintptr_t>(entry.dpc), entry.context, entry.argument1,
                                     entry.argument2};
  kernel_.call_driver(entry.routine, std::span(arguments).first(entry.extended ? 2 : 4));
  if (processor.irql == DISPATCH_LEVEL) return;
  char text[96];
  Line line(text);
  line.put("a DPC was called at IRQL 2 and returned at ");
  line.put_decimal(processor.irql);
  kernel_.violate(trace::Rule::irql_not_restored, line.text());
  processor.irql = DISPATCH_LEVEL;
}

}  // namespace dumpsim::kernel
