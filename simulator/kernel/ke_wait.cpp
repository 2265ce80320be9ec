// SPDX-License-Identifier: Apache-2.0
// Waiting. An object that is signalled is taken at once; otherwise the thread rests and others have their turns. A
// timeout passes in virtual time. Where nobody else may run (above DISPATCH_LEVEL, while a dump is written) nothing can
// signal the object either, so only the timeout ends the wait.
#include "kernel/dispatcher.hpp"

namespace dumpsim::kernel {
namespace {

constexpr ULONG maximum_wait_objects_exceeded = 0x0C;

/// A mutex cannot be taken more often than this; STATUS_MUTANT_LIMIT_EXCEEDED is raised [doc].
constexpr LONG mutex_owned_limit = static_cast<LONG>(0x80000000);

void require_wait_level(Kernel& kernel, std::size_t index, const LARGE_INTEGER* timeout) {
  // <= APC_LEVEL, or DISPATCH_LEVEL when the wait cannot block [doc].
  if (timeout == nullptr || timeout->QuadPart != 0) return kernel.wait_call(index);
  kernel.require_irql(index, DISPATCH_LEVEL);
}

/// After the wait is filled with objects that are not there yet.
NTSTATUS rest(Kernel& kernel, Wait& wait, const LARGE_INTEGER* timeout) {
  if (timeout != nullptr) {
    if (timeout->QuadPart == 0) {
      wait.kind = WaitKind::none;
      return STATUS_TIMEOUT;
    }
    wait.deadline = deadline_of(kernel, timeout->QuadPart);
  }
  kernel.scheduler().rest();
  const Wait& ended = kernel.scheduler().running().wait;
  if (ended.timed_out) return STATUS_TIMEOUT;
  return static_cast<NTSTATUS>(STATUS_WAIT_0 + static_cast<NTSTATUS>(ended.all ? 0 : ended.satisfied));
}

}  // namespace

void initialize(DISPATCHER_HEADER& header, UCHAR type, std::size_t bytes, LONG state) {
  header.Type = type;
  header.Signalling = FALSE;
  header.Size = static_cast<UCHAR>(bytes / sizeof(LONG));
  header.DebugActive = FALSE;
  header.SignalState = state;
  header.WaitListHead.Flink = header.WaitListHead.Blink = &header.WaitListHead;
}

bool is_signalled(const DISPATCHER_HEADER& header, const Thread& thread) {
  if (header.Type != mutant || header.SignalState > 0) return header.SignalState > 0;
  const auto& mutex = reinterpret_cast<const KMUTANT&>(header);
  return thread.object != nullptr && mutex.OwnerThread == thread.object && header.SignalState > mutex_owned_limit;
}

void acquire(DISPATCHER_HEADER& header, Thread& thread) {
  switch (header.Type) {
    case synchronization_event:
    case synchronization_timer:
      header.SignalState = 0;
      break;
    case semaphore:
      --header.SignalState;
      break;
    case mutant: {
      auto& mutex = reinterpret_cast<KMUTANT&>(header);
      if (header.SignalState-- == 1) {
        mutex.OwnerThread = static_cast<PKTHREAD>(thread.object);
        thread.critical_regions += mutex.ApcDisable;  // an owner is not disturbed by normal kernel APCs [doc]
        thread.mutexes.push_back(&mutex);
      }
      break;
    }
    default:  // a notification event or timer and a thread stay signalled
      break;
  }
}

bool satisfy(Thread& thread) {
  Wait& wait = thread.wait;
  const auto header = [&wait](std::size_t i) -> DISPATCHER_HEADER& {
    return *static_cast<DISPATCHER_HEADER*>(wait.objects[i]);
  };
  if (wait.all) {
    for (std::size_t i = 0; i < wait.count; ++i) {
      if (!is_signalled(header(i), thread)) return false;
    }
    for (std::size_t i = 0; i < wait.count; ++i) acquire(header(i), thread);
    wait.satisfied = 0;
    return true;
  }
  for (std::size_t i = 0; i < wait.count; ++i) {
    if (!is_signalled(header(i), thread)) continue;
    acquire(header(i), thread);
    wait.satisfied = i;
    return true;
  }
  return false;
}

void signal(DISPATCHER_HEADER& header) {
  current().scheduler().signalled(&header);
}

std::string_view kind_of(const DISPATCHER_HEADER& header) {
  switch (header.Type) {
    case notification_event:
    case synchronization_event:
      return "event";
    case mutant:
      return "mutex";
    case semaphore:
      return "semaphore";
    case thread_object:
      return "end of the thread";
    case notification_timer:
    case synchronization_timer:
      return "timer";
    default:
      return "object";
  }
}

std::uint64_t deadline_of(Kernel& kernel, LONGLONG timeout) {
  const std::uint64_t now = kernel.machine().clock.now;
  if (timeout < 0) return now + static_cast<std::uint64_t>(-(timeout + 1)) + 1;
  const auto until = static_cast<std::uint64_t>(timeout);
  return until > machine::boot_filetime + now ? until - machine::boot_filetime : now;
}

Wait& begin_wait(Kernel& kernel, WaitKind kind, std::string_view function, void* object) {
  Wait& wait = kernel.scheduler().running().wait;
  wait.kind = kind;
  wait.function = function;
  wait.objects[0] = object;
  wait.count = object == nullptr ? 0 : 1;
  wait.all = false;
  wait.deadline = no_deadline;
  return wait;
}

NTSTATUS KeWaitForSingleObject(PVOID Object, KWAIT_REASON, KPROCESSOR_MODE, BOOLEAN, PLARGE_INTEGER Timeout) {
  Kernel& kernel = current();
  require_wait_level(kernel, export_index::KeWaitForSingleObject, Timeout);
  Thread& thread = kernel.scheduler().running();
  auto& header = *static_cast<DISPATCHER_HEADER*>(Object);
  if (header.Type == mutant) kernel::KeGetCurrentThread();  // an owner has an object
  if (is_signalled(header, thread)) {
    acquire(header, thread);
    return STATUS_SUCCESS;
  }
  return rest(kernel, begin_wait(kernel, WaitKind::dispatcher, "KeWaitForSingleObject", Object), Timeout);
}

NTSTATUS KeWaitForMultipleObjects(ULONG Count, PVOID Object[], WAIT_TYPE WaitType, KWAIT_REASON, KPROCESSOR_MODE,
                                  BOOLEAN, PLARGE_INTEGER Timeout, PKWAIT_BLOCK WaitBlockArray) {
  Kernel& kernel = current();
  require_wait_level(kernel, export_index::KeWaitForMultipleObjects, Timeout);
  // More than the thread's own blocks need an array; more than the limit never works [doc].
  const ULONG limit = WaitBlockArray == nullptr ? THREAD_WAIT_OBJECTS : MAXIMUM_WAIT_OBJECTS;
  if (Count == 0 || Count > limit) kernel.bugcheck(maximum_wait_objects_exceeded, {0, 0, 0, 0});
  Wait& wait = begin_wait(kernel, WaitKind::dispatcher, "KeWaitForMultipleObjects", Object[0]);
  for (ULONG i = 0; i < Count; ++i) {
    wait.objects[i] = Object[i];
    if (static_cast<DISPATCHER_HEADER*>(Object[i])->Type == mutant) kernel::KeGetCurrentThread();
  }
  wait.count = Count;
  wait.all = WaitType == WaitAll;
  if (satisfy(kernel.scheduler().running())) {
    wait.kind = WaitKind::none;
    return static_cast<NTSTATUS>(STATUS_WAIT_0 + static_cast<NTSTATUS>(wait.all ? 0 : wait.satisfied));
  }
  return rest(kernel, wait, Timeout);
}

NTSTATUS KeDelayExecutionThread(KPROCESSOR_MODE, BOOLEAN, PLARGE_INTEGER Interval) {
  Kernel& kernel = current();
  kernel.wait_call(export_index::KeDelayExecutionThread);
  const std::uint64_t deadline = deadline_of(kernel, Interval->QuadPart);
  if (deadline == kernel.machine().clock.now) {
    kernel.scheduler().yield();
    return STATUS_SUCCESS;
  }
  begin_wait(kernel, WaitKind::delay, "KeDelayExecutionThread", nullptr).deadline = deadline;
  kernel.scheduler().rest();
  return STATUS_SUCCESS;
}

}  // namespace dumpsim::kernel
