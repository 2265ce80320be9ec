// SPDX-License-Identifier: Apache-2.0
// Dispatcher objects as this kernel's files share them: types, when one is signalled to whom, what getting it changes.
// Not for other rooms: it speaks the WDK's types.
#pragma once

#include "kernel/exports.hpp"
#include "kernel/io_objects.hpp"
#include "kernel/line.hpp"
#include "kernel/scheduler.hpp"
//
#include "kernel/ddi.hpp"

namespace dumpsim::kernel {

enum ObjectType : UCHAR {
  notification_event = 0,
  synchronization_event = 1,
  mutant = 2,
  semaphore = 5,
  thread_object = 6,
  notification_timer = 8,
  synchronization_timer = 9,
};

void initialize(DISPATCHER_HEADER& header, UCHAR type, std::size_t bytes, LONG state);
/// Whether `thread` would get it at once.
bool is_signalled(const DISPATCHER_HEADER& header, const Thread& thread);
/// What getting it changes: an event is reset, a semaphore counts down, a mutex is owned.
void acquire(DISPATCHER_HEADER& header, Thread& thread);
/// The wait of `thread`, on dispatcher objects, ends if they are there: true when it has.
bool satisfy(Thread& thread);
/// Signalled from here on: who waits gets it. REQUIRES: the state has been set.
void signal(DISPATCHER_HEADER& header);
/// "event", "mutex", …
std::string_view kind_of(const DISPATCHER_HEADER& header);

/// A timeout as drivers give it (negative: from now; else the system's time [doc]) on the machine's clock.
std::uint64_t deadline_of(Kernel& kernel, LONGLONG timeout);
/// A timer's time has come. Queues its DPC and its next period.
void timer_expired(Kernel& kernel, const Timers::Entry& entry);
/// The DPC routine that it queues, or nullptr.
const void* timer_routine(const Timers::Entry& entry);
void ex_timer_expired(Kernel& kernel, const Timers::Entry& entry);
const void* ex_timer_routine(const Timers::Entry& entry);
/// False when it is queued already.
bool queue_dpc(Kernel& kernel, PKDPC dpc, std::uint64_t argument1, std::uint64_t argument2);
/// What a thread object starts as; nullptr when pool is used up. Referenced once.
void* new_thread_object(Kernel& kernel);
/// A reference taken or given back by the kernel itself.
void reference(Kernel& kernel, void* object);

/// The running thread's wait, empty: to be filled, then Scheduler::rest().
Wait& begin_wait(Kernel& kernel, WaitKind kind, std::string_view function, void* object);

/// Rests, over and over, until `ready` holds. Where nobody else may run that is a deadlock.
template <class Ready>
void rest_until(Kernel& kernel, WaitKind kind, std::string_view function, void* object, Ready ready) {
  while (!ready()) {
    begin_wait(kernel, kind, function, object);
    kernel.scheduler().rest();
  }
}

}  // namespace dumpsim::kernel
