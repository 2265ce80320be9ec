// SPDX-License-Identifier: Apache-2.0
// Who waits for whom, in words: when nothing can go on any more, and when threads wait for each other in a circle.
#include <algorithm>

#include "kernel/kernel.hpp"
#include "kernel/line.hpp"
//
#include "kernel/dispatcher.hpp"

namespace dumpsim::kernel {

using State = Thread::State;

namespace {

void put_image(Line& line, const Kernel& kernel, std::uint16_t image) {
  line.put(image == trace::no_image ? std::string_view("the system") : kernel.image_name(image));
}

/// The object a wait hangs on: of several, the first that is not there.
void* missing(const Thread& thread) {
  const Wait& wait = thread.wait;
  if (wait.kind != WaitKind::dispatcher) return wait.count == 0 ? nullptr : wait.objects[0];
  for (std::size_t i = 0; i < wait.count; ++i) {
    if (!is_signalled(*static_cast<const DISPATCHER_HEADER*>(wait.objects[i]), thread)) return wait.objects[i];
  }
  return wait.objects[0];
}

std::string_view lock_name(WaitKind kind) {
  switch (kind) {
    case WaitKind::fast_mutex:
      return "fast mutex";
    case WaitKind::resource_exclusive:
    case WaitKind::resource_shared:
      return "resource";
    case WaitKind::push_lock:
      return "push lock";
    case WaitKind::rundown:
      return "rundown protection";
    default:
      return "object";
  }
}

}  // namespace

void Scheduler::put_name(Line& line, const Thread& thread) const {
  line.put("thread#");
  line.put_decimal(thread.id);
  line.put(" (");
  if (&thread == &first_) {
    line.put("the system's");
  } else if (thread.worker) {
    line.put("a system worker");
    if (thread.at_work) {
      line.put(" for ");
      put_image(line, kernel_, thread.context.image);
    }
  } else {
    put_image(line, kernel_, thread.image);
    if (thread.creator != thread.image) {
      line.put(", created by ");
      put_image(line, kernel_, thread.creator);
    }
  }
  line.put(')');
}

const Thread* Scheduler::holder(const Thread& waiting) const {
  const Wait& wait = waiting.wait;
  auto& self = const_cast<Scheduler&>(*this);  // finding changes nothing
  const void* const object = missing(waiting);
  switch (wait.kind) {
    case WaitKind::dispatcher: {
      if (wait.count > 1 && !wait.all) return nullptr;  // another of them may yet come
      const auto& header = *static_cast<const DISPATCHER_HEADER*>(object);
      if (header.Type == mutant) return self.thread_of(static_cast<const KMUTANT*>(object)->OwnerThread);
      return header.Type == thread_object ? self.thread_of(object) : nullptr;
    }
    case WaitKind::fast_mutex:
      return self.thread_of(static_cast<const FAST_MUTEX*>(object)->Owner);
    case WaitKind::resource_exclusive:
    case WaitKind::resource_shared:
      return self.thread_of(
          reinterpret_cast<const void*>(static_cast<const ERESOURCE*>(object)->OwnerEntry.OwnerThread));
    default:
      return nullptr;
  }
}

void Scheduler::put_wait(Line& line, const Thread& thread) const {
  const Wait& wait = thread.wait;
  switch (wait.kind) {
    case WaitKind::none:
      line.put("can run");
      return;
    case WaitKind::delay:
      line.put("sleeps");
      return;
    case WaitKind::work:
      line.put("waits for work");
      return;
    case WaitKind::idle:
      line.put("has nothing to do");
      return;
    default:
      break;
  }
  const void* const object = missing(thread);
  line.put("waits for the ");
  line.put(wait.kind == WaitKind::dispatcher ? kind_of(*static_cast<const DISPATCHER_HEADER*>(object))
                                             : lock_name(wait.kind));
  line.put(" at ");
  line.skip(kernel_.words(object, line.rest(), Words::canonical));
  if (const Thread* owner = holder(thread); owner != nullptr) {
    const bool ends =
        wait.kind == WaitKind::dispatcher && static_cast<const DISPATCHER_HEADER*>(object)->Type == thread_object;
    if (!ends) {
      line.put(", which thread#");
      line.put_decimal(owner->id);
      line.put(owner == &thread ? " itself holds" : " holds");
    }
  }
}

// What hangs is the first thread, whatever thread came to rest last: it is the one that has called a driver.
void Scheduler::deadlock() {
  const Thread& victim = frozen_ || first_.state != State::waiting ? *running_ : first_;
  kernel_.set_context(const_cast<Context&>(victim.context));
  kernel_.tell_running(victim.context);
  char text[trace::max_payload];
  Line line(text);
  line.put(victim.wait.function);
  line.put(": ");
  const Thread* const owner = holder(victim);
  const void* const object = missing(victim);
  if (owner == &victim) {
    line.put("the caller holds ");
    line.skip(kernel_.words(object, line.rest(), Words::canonical));
    line.put(" already");
  } else if (victim.wait.kind == WaitKind::dispatcher && owner == nullptr) {
    line.put("nothing will ever signal ");
    line.skip(kernel_.words(object, line.rest(), Words::canonical));
    line.put(", and the wait has no timeout");
    put_awaited_request(kernel_, line, object);
  } else {
    put_name(line, victim);
    line.put(' ');
    put_wait(line, victim);
  }
  for (const auto& thread : threads_) {
    if (thread->state == State::ended || thread.get() == &victim) continue;
    line.put("; ");
    put_name(line, *thread);
    line.put(' ');
    if (thread->state == State::waiting) {
      put_wait(line, *thread);
    } else {
      line.put("may not run");
    }
  }
  kernel_.deadlock(line.text());
}

void Scheduler::report_circles() {
  for (const auto& start : threads_) {
    if (start->circle_told || start->state != State::waiting || start->wait.deadline != no_deadline) continue;
    const Thread* at = start.get();
    std::size_t length = 0;
    do {
      at = at->state == State::waiting && at->wait.deadline == no_deadline ? holder(*at) : nullptr;
    } while (at != nullptr && at != start.get() && ++length <= threads_.size());
    if (at != start.get()) continue;
    char text[trace::max_payload];
    Line line(text);
    do {
      if (at != start.get()) line.put("; ");
      put_name(line, *at);
      line.put(' ');
      put_wait(line, *at);
      const_cast<Thread*>(at)->circle_told = true;
      at = holder(*at);
    } while (at != start.get());
    kernel_.recorder().violation(start->image, trace::Callback::thread, trace::Rule::lock_deadlock, line.text());
  }
}

std::string Scheduler::outlives(std::uint16_t image) const {
  std::string text;
  const auto add = [&text](std::string_view what) {
    if (!text.empty()) text += ", ";
    text += what;
  };
  for (const auto& thread : threads_) {
    const bool in_image = thread->worker ? thread->at_work && thread->context.image == image : thread->image == image;
    if (thread->state == State::ended || !in_image) continue;
    char name[160];
    Line line(name);
    put_name(line, *thread);
    line.put(' ');
    put_wait(line, *thread);
    add(line.text());
  }
  const ImageRange* const range = kernel_.image_range(image);
  const auto inside = [range](const void* address) {
    return range != nullptr && static_cast<const std::byte*>(address) >= range->base &&
           static_cast<const std::byte*>(address) < range->base + range->bytes;
  };
  for (const Timers::Entry& entry : timers_.entries()) {
    const void* const routine = timer_routine(entry);
    if (inside(entry.timer)) {
      add("a timer in its memory");
    } else if (inside(routine)) {
      add("a timer that queues a DPC of its");
    }
  }
  for (const Dpcs::Entry& entry : dpcs_.entries()) {
    if (inside(entry.routine)) add("a queued DPC");
  }
  for (const WorkItem& item : work_) {
    if (inside(item.routine)) add("a queued work item");
  }
  return text;
}

}  // namespace dumpsim::kernel
