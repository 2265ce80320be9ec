// SPDX-License-Identifier: Apache-2.0
// Turns: who runs, who rests, and the change from one to the other. What time brings is in scheduler_time.cpp, what is
// said of it all in scheduler_words.cpp.
#include "kernel/scheduler.hpp"

#include <algorithm>
#include <cassert>
#include <cstdlib>

#include "kernel/kernel.hpp"
#include "kernel/line.hpp"
//
#include "kernel/dispatcher.hpp"
#include "kernel/work.hpp"

namespace dumpsim::kernel {

using State = Thread::State;

Scheduler::Scheduler(Kernel& kernel) : kernel_(kernel) {
  first_.state = State::running;
}
Scheduler::~Scheduler() = default;

Thread* Scheduler::thread_of(const void* object) {
  if (object == nullptr) return nullptr;
  if (object == first_.object) return &first_;
  for (const auto& thread : threads_) {
    if (thread->object == object) return thread.get();
  }
  return nullptr;
}

bool Scheduler::on_a_stack(const void* address) const {
  if (kernel_.gate().main().stack().contains(address)) return true;
  if (dpc_stack_ != nullptr && dpc_stack_->contains(address)) return true;
  return std::any_of(threads_.begin(), threads_.end(), [address](const auto& thread) {
    return thread->stack != nullptr && thread->stack->contains(address);
  });
}

// ---- threads ----

Thread* Scheduler::add(void* object) {
  std::unique_ptr<machine::GuestStack> stack;
  std::size_t live = 0;
  for (const auto& thread : threads_) {
    if (thread->state != State::ended) {
      ++live;
    } else if (stack == nullptr && thread->stack != nullptr) {
      stack = std::move(thread->stack);  // nobody is on it any more: this is another thread's turn
      thread->strand.reset();
    }
  }
  if (live >= thread_limit) return nullptr;
  if (stack == nullptr) {
    const machine::GuestStack& like = kernel_.gate().main().stack();
    auto made =
        machine::GuestStack::create(static_cast<std::size_t>(like.high() - like.low()) / machine::GuestStack::growth);
    if (!made) return nullptr;
    stack = std::make_unique<machine::GuestStack>(*std::move(made));
  }
  auto thread = std::make_unique<Thread>();
  thread->id = next_id_++;
  thread->object = object;
  thread->creator = kernel_.image();
  thread->stack = std::move(stack);
  thread->strand = std::make_unique<machine::Strand>(*thread->stack);
  thread->context.callback = trace::Callback::thread;
  kernel_.gate().prepare(*thread->strand, &thread_strand, thread.get());
  threads_.push_back(std::move(thread));
  return threads_.back().get();
}

Thread* Scheduler::create(const void* start, void* argument, void* object) {
  Thread* thread = add(object);
  if (thread == nullptr) return nullptr;
  const ImageRange* image = kernel_.image_at(start);
  thread->start = start;
  thread->argument = argument;
  thread->image = thread->context.image = image != nullptr ? image->id : kernel_.image();
  kernel_.recorder().thread_created(thread->image, thread->id);
  ready_.push_back(thread);
  return thread;
}

Thread* Scheduler::create_worker(void* object) {
  Thread* thread = add(object);
  if (thread == nullptr) return nullptr;
  thread->worker = true;
  thread->creator = trace::no_image;
  thread->priority = 12;  // of the delayed work queue's threads [doc]
  kernel_.recorder().thread_created(trace::no_image, thread->id);
  ready_.push_back(thread);
  return thread;
}

void Scheduler::thread_strand(void* context) {
  Thread& thread = *static_cast<Thread*>(context);
  Kernel& kernel = current();
  if (thread.worker) serve_work(kernel, thread);
  const std::uint64_t arguments[] = {reinterpret_cast<std::uintptr_t>(thread.argument)};
  kernel.call_driver(thread.start, arguments);
  if (kernel.machine().processor.irql != PASSIVE_LEVEL) {
    char text[96];
    Line line(text);
    line.put("the thread ended at IRQL ");
    line.put_decimal(kernel.machine().processor.irql);
    kernel.violate(trace::Rule::irql_not_restored, line.text());
    kernel.machine().processor.irql = PASSIVE_LEVEL;
  }
  kernel.scheduler().end(STATUS_SUCCESS);
}

void Scheduler::end(std::int32_t status) {
  Thread& self = *running_;
  assert(&self != &first_);
  // ACTIVE_EX_WORKER_THREAD_TERMINATION, THREAD_TERMINATE_HELD_MUTEX [doc].
  if (self.at_work) kernel_.bugcheck(0xE9, {number_of(self.object), 0, 0, 0});
  if (!self.mutexes.empty()) {
    kernel_.bugcheck(0x4000008A, {number_of(self.object), number_of(self.mutexes.front()), 0, 0});
  }
  kernel_.recorder().thread_ended(self.image, self.id, status);
  self.state = State::ended;
  if (self.object != nullptr) {
    auto& header = *static_cast<DISPATCHER_HEADER*>(self.object);
    header.SignalState = 1;
    signal(header);
    kernel::ObfDereferenceObject(self.object);
  }
  give_turn();
  std::abort();  // nobody gives an ended thread a turn
}

void Scheduler::set_priority(Thread& thread, int priority) {
  thread.priority = priority;
  poll();
}

void Scheduler::yield() {
  if (threads_.empty() || !may_switch() || in_dpc_) return;
  deliver();
  const Thread* next = best();
  if (next == nullptr || next->priority < running_->priority) return;
  make_ready(*running_);
  switch_to(*take_best());
}

// ---- waiting ----

bool Scheduler::may_switch() const {
  return kernel_.gate().active() && !frozen_ && kernel_.machine().processor.irql <= DISPATCH_LEVEL;
}

void Scheduler::rest() {
  Thread& self = *running_;
  // ATTEMPTED_SWITCH_FROM_DPC [doc].
  if (in_dpc_) kernel_.bugcheck(0xB8, {number_of(self.object), 0, 0, 0});
  self.wait.order = next_order_++;
  self.wait.timed_out = false;
  self.state = State::waiting;
  if (self.at_work) want_worker();
  if (!may_switch()) {
    if (self.wait.deadline == no_deadline) deadlock();
    machine::Clock& clock = kernel_.machine().clock;
    clock.now = std::max(clock.now, self.wait.deadline);
    self.wait.timed_out = true;
    self.wait.kind = WaitKind::none;
    self.state = State::running;
    return;
  }
  give_turn();
}

void Scheduler::give_turn() {
  machine::Clock& clock = kernel_.machine().clock;
  for (;;) {
    deliver();
    if (idle_ && turns_ >= turn_limit && first_.state == State::waiting) {
      make_ready(first_);
      return switch_to(first_);
    }
    if (Thread* next = take_best(); next != nullptr) return switch_to(*next);
    const std::uint64_t due = next_due();
    if (idle_ && due > idle_until_) {
      make_ready(first_);
      continue;
    }
    if (due == no_deadline) deadlock();
    clock.now = std::max(clock.now, due);
  }
}

void Scheduler::make_ready(Thread& thread) {
  thread.state = State::ready;
  thread.wait.kind = WaitKind::none;
  ready_.push_back(&thread);
}

void Scheduler::signalled(void* object) {
  // In the order they came, whichever threads they are.
  for (std::uint64_t after = 0;;) {
    Thread* next = nullptr;
    const auto consider = [&](Thread& thread) {
      if (thread.state != State::waiting || thread.wait.kind != WaitKind::dispatcher || thread.wait.order <= after)
        return;
      const auto end = thread.wait.objects.begin() + static_cast<std::ptrdiff_t>(thread.wait.count);
      if (std::find(thread.wait.objects.begin(), end, object) == end) return;
      if (next == nullptr || thread.wait.order < next->wait.order) next = &thread;
    };
    consider(first_);
    for (const auto& thread : threads_) consider(*thread);
    if (next == nullptr) return;
    after = next->wait.order;
    if (satisfy(*next)) make_ready(*next);
  }
}

void Scheduler::wake(const void* object) {
  for (std::uint64_t after = 0;;) {
    Thread* next = nullptr;
    const auto consider = [&](Thread& thread) {
      if (thread.state != State::waiting || thread.wait.kind == WaitKind::dispatcher || thread.wait.count == 0 ||
          thread.wait.objects[0] != object || thread.wait.order <= after) {
        return;
      }
      if (next == nullptr || thread.wait.order < next->wait.order) next = &thread;
    };
    consider(first_);
    for (const auto& thread : threads_) consider(*thread);
    if (next == nullptr) return;
    after = next->wait.order;
    make_ready(*next);
  }
}

bool Scheduler::waited_for(const void* object) const {
  const auto waits = [object](const Thread& thread) {
    return thread.state == State::waiting && thread.wait.count != 0 && thread.wait.objects[0] == object;
  };
  return waits(first_) || std::any_of(threads_.begin(), threads_.end(), [&](const auto& each) { return waits(*each); });
}

// ---- turns ----

const Thread* Scheduler::best() const {
  const Thread* found = nullptr;
  for (const Thread* thread : ready_) {
    if (found == nullptr || thread->priority > found->priority) found = thread;
  }
  return found;
}

Thread* Scheduler::take_best() {
  const auto at = std::find(ready_.begin(), ready_.end(), best());
  if (at == ready_.end()) return nullptr;
  Thread* const thread = *at;
  ready_.erase(at);
  return thread;
}

void Scheduler::switch_to(Thread& next) {
  std::erase(ready_, &next);
  next.state = State::running;
  next.turn_began = kernel_.machine().clock.now;
  if (&next == running_) return;
  ++turns_;
  Thread& from = *running_;
  machine::Processor& processor = kernel_.machine().processor;
  from.irql = processor.irql;
  running_ = &next;
  processor.irql = next.irql;
  kernel_.set_context(next.context);
  processor.set_current_thread(next.object != nullptr ? next.object : processor.initial_thread());
  kernel_.recorder().thread_switched(next.context.image, from.id, next.id);
  kernel_.tell_running(next.context);
  machine::Gate& gate = kernel_.gate();
  gate.switch_to(next.strand != nullptr ? *next.strand : gate.main());
}

void Scheduler::interrupt() {
  if (!may_switch() || in_dpc_ || delivering_ || kernel_.machine().processor.irql >= DISPATCH_LEVEL) return;
  deliver();
  const Thread* next = best();
  if (next == nullptr) return;
  if (next->priority > running_->priority) {
    running_->state = State::ready;
    ready_.push_front(running_);  // it has not used up its turn
    switch_to(*take_best());
  } else if (next->priority == running_->priority && kernel_.machine().clock.now - running_->turn_began >= quantum) {
    make_ready(*running_);
    switch_to(*take_best());
  }
}

bool Scheduler::pending(std::uint64_t until) const {
  return !ready_.empty() || !dpcs_.empty() || next_due() <= until;
}

void Scheduler::idle(std::uint64_t until) {
  assert(running_ == &first_);
  idle_ = true;
  idle_until_ = until;
  turns_ = 0;
  first_.wait.kind = WaitKind::idle;
  first_.wait.function = {};
  first_.wait.count = 0;
  first_.wait.deadline = no_deadline;
  rest();
  idle_ = false;
  report_circles();
}

void Scheduler::start_over() {
  if (running_ != &first_) running_->state = State::ended;
  first_.state = State::running;
  first_.wait.kind = WaitKind::none;
  std::erase(ready_, &first_);
  running_ = &first_;
  in_dpc_ = delivering_ = idle_ = false;
  dpc_strand_.reset();
  kernel_.set_context(first_.context);
}

}  // namespace dumpsim::kernel
