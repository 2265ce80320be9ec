// SPDX-License-Identifier: Apache-2.0
// Dispatcher objects in a machine with one thread: a wait either succeeds at once, or nothing will ever end it but its
// timeout. So a timeout passes in virtual time, and a wait without one ends the run as a deadlock, by name, instead of
// hanging the host.
#include "kernel/exports.hpp"
#include "kernel/io_objects.hpp"
#include "kernel/kernel.hpp"
#include "kernel/line.hpp"
//
#include "kernel/ddi.hpp"

namespace dumpsim::kernel {
namespace {

enum ObjectType : UCHAR { notification_event = 0, synchronization_event = 1, mutant = 2, semaphore = 5 };
constexpr LONG mutex_owned_limit = static_cast<LONG>(0x80000000);

void initialize(DISPATCHER_HEADER& header, UCHAR type, std::size_t bytes, LONG state) {
  header.Type = type;
  header.Signalling = FALSE;
  header.Size = static_cast<UCHAR>(bytes / sizeof(LONG));
  header.DebugActive = FALSE;
  header.SignalState = state;
  header.WaitListHead.Flink = header.WaitListHead.Blink = &header.WaitListHead;
}

PKTHREAD thread() {
  return kernel::KeGetCurrentThread();
}

/// A mutex may be taken again by the thread that has it; there is only one thread.
bool is_signalled(const DISPATCHER_HEADER* header) {
  if (header->Type == mutant) return header->SignalState > mutex_owned_limit;
  return header->SignalState > 0;
}

void acquire(DISPATCHER_HEADER* header) {
  switch (header->Type) {
    case synchronization_event:
      header->SignalState = 0;
      break;
    case semaphore:
      --header->SignalState;
      break;
    case mutant:
      --header->SignalState;
      reinterpret_cast<PKMUTANT>(header)->OwnerThread = thread();
      break;
    default:  // a notification event stays signalled
      break;
  }
}

/// Lets a timeout pass. Positive: absolute system time; negative: from now [doc].
void let_pass(Kernel& kernel, LONGLONG timeout) {
  machine::Clock& clock = kernel.machine().clock;
  if (timeout < 0) {
    clock.advance(static_cast<std::uint64_t>(-(timeout + 1)) + 1);
  } else {
    const auto until = static_cast<std::uint64_t>(timeout);
    const std::uint64_t now = machine::boot_filetime + clock.now;
    if (until > now) clock.advance(until - now);
  }
}

void require_wait_level(Kernel& kernel, std::size_t index, const LARGE_INTEGER* timeout) {
  // <= APC_LEVEL, or DISPATCH_LEVEL when the wait cannot block [doc].
  if (timeout == nullptr || timeout->QuadPart != 0) kernel.require_irql(index, APC_LEVEL);
}

[[noreturn]] void wait_forever(Kernel& kernel, std::string_view function, const void* object) {
  char text[384];
  Line line(text);
  line.put(function);
  line.put(": nothing will ever signal ");
  line.skip(kernel.words(object, line.rest(), Words::canonical));
  line.put(", and the wait has no timeout");
  put_awaited_request(kernel, line, object);
  kernel.deadlock(line.text());
}

}  // namespace

PKTHREAD KeGetCurrentThread(VOID) {
  Kernel& kernel = current();
  if (kernel.io().thread == nullptr) kernel.io().thread = kernel.machine().processor.initial_thread();
  if (kernel.io().thread == nullptr) {
    BlockRequest request;
    request.tag = 0x65726854;  // "Thre"
    request.bytes = 0x600;     // opaque: only the address means something
    request.zero = true;
    kernel.io().thread = kernel.pool().allocate(request);
  }
  return static_cast<PKTHREAD>(kernel.io().thread);
}

VOID KeInitializeEvent(PRKEVENT Event, EVENT_TYPE Type, BOOLEAN State) {
  initialize(Event->Header, Type == NotificationEvent ? notification_event : synchronization_event, sizeof(KEVENT),
             State ? 1 : 0);
}

LONG KeSetEvent(PRKEVENT Event, KPRIORITY, BOOLEAN Wait) {
  if (Wait) current().require_irql(export_index::KeSetEvent, APC_LEVEL);
  const LONG before = Event->Header.SignalState;
  Event->Header.SignalState = 1;
  return before;
}

VOID KeClearEvent(PRKEVENT Event) {
  Event->Header.SignalState = 0;
}

LONG KeResetEvent(PRKEVENT Event) {
  const LONG before = Event->Header.SignalState;
  Event->Header.SignalState = 0;
  return before;
}

LONG KeReadStateEvent(PRKEVENT Event) {
  return Event->Header.SignalState;
}

VOID KeInitializeMutex(PRKMUTEX Mutex, ULONG) {
  initialize(Mutex->Header, mutant, sizeof(KMUTEX), 1);
  Mutex->OwnerThread = nullptr;
  Mutex->Abandoned = FALSE;
  Mutex->ApcDisable = 1;
  Mutex->MutantListEntry.Flink = Mutex->MutantListEntry.Blink = &Mutex->MutantListEntry;
}

LONG KeReleaseMutex(PRKMUTEX Mutex, BOOLEAN Wait) {
  Kernel& kernel = current();
  if (Wait) kernel.require_irql(export_index::KeReleaseMutex, APC_LEVEL);
  const LONG before = Mutex->Header.SignalState;
  // Releasing what one does not own raises STATUS_MUTANT_NOT_OWNED [doc], which nobody handles here.
  if (before > 0) kernel.bugcheck(KMODE_EXCEPTION_NOT_HANDLED, {0xFFFFFFFFC0000046, 0, 0, 0});
  Mutex->Header.SignalState = before + 1;
  if (before + 1 == 1) Mutex->OwnerThread = nullptr;
  return before;
}

LONG KeReadStateMutex(PRKMUTEX Mutex) {
  return Mutex->Header.SignalState;
}

VOID KeInitializeSemaphore(PRKSEMAPHORE Semaphore, LONG Count, LONG Limit) {
  initialize(Semaphore->Header, semaphore, sizeof(KSEMAPHORE), Count);
  Semaphore->Limit = Limit;
}

LONG KeReleaseSemaphore(PRKSEMAPHORE Semaphore, KPRIORITY, LONG Adjustment, BOOLEAN Wait) {
  Kernel& kernel = current();
  if (Wait) kernel.require_irql(export_index::KeReleaseSemaphore, APC_LEVEL);
  const LONG before = Semaphore->Header.SignalState;
  // Above its limit it raises STATUS_SEMAPHORE_LIMIT_EXCEEDED [doc].
  if (Adjustment < 0 || Adjustment > Semaphore->Limit - before) {
    kernel.bugcheck(KMODE_EXCEPTION_NOT_HANDLED, {0xFFFFFFFFC0000047, 0, 0, 0});
  }
  Semaphore->Header.SignalState = before + Adjustment;
  return before;
}

LONG KeReadStateSemaphore(PRKSEMAPHORE Semaphore) {
  return Semaphore->Header.SignalState;
}

NTSTATUS KeWaitForSingleObject(PVOID Object, KWAIT_REASON, KPROCESSOR_MODE, BOOLEAN, PLARGE_INTEGER Timeout) {
  Kernel& kernel = current();
  require_wait_level(kernel, export_index::KeWaitForSingleObject, Timeout);
  auto* header = static_cast<DISPATCHER_HEADER*>(Object);
  if (is_signalled(header)) {
    acquire(header);
    return STATUS_SUCCESS;
  }
  if (Timeout == nullptr) wait_forever(kernel, "KeWaitForSingleObject", Object);
  let_pass(kernel, Timeout->QuadPart);
  return STATUS_TIMEOUT;
}

NTSTATUS KeWaitForMultipleObjects(ULONG Count, PVOID Object[], WAIT_TYPE WaitType, KWAIT_REASON, KPROCESSOR_MODE,
                                  BOOLEAN, PLARGE_INTEGER Timeout, PKWAIT_BLOCK WaitBlockArray) {
  Kernel& kernel = current();
  require_wait_level(kernel, export_index::KeWaitForMultipleObjects, Timeout);
  // More than the thread's own blocks need an array; more than the limit never works [doc].
  const ULONG limit = WaitBlockArray == nullptr ? THREAD_WAIT_OBJECTS : MAXIMUM_WAIT_OBJECTS;
  if (Count == 0 || Count > limit) kernel.bugcheck(0x0C, {0, 0, 0, 0});  // MAXIMUM_WAIT_OBJECTS_EXCEEDED
  const void* missing = nullptr;
  for (ULONG i = 0; i < Count; ++i) {
    auto* header = static_cast<DISPATCHER_HEADER*>(Object[i]);
    if (!is_signalled(header)) {
      if (missing == nullptr) missing = Object[i];
    } else if (WaitType == WaitAny) {
      acquire(header);
      return static_cast<NTSTATUS>(STATUS_WAIT_0 + static_cast<NTSTATUS>(i));
    }
  }
  if (missing == nullptr) {
    for (ULONG i = 0; i < Count; ++i) acquire(static_cast<DISPATCHER_HEADER*>(Object[i]));
    return STATUS_SUCCESS;
  }
  if (Timeout == nullptr) wait_forever(kernel, "KeWaitForMultipleObjects", missing);
  let_pass(kernel, Timeout->QuadPart);
  return STATUS_TIMEOUT;
}

NTSTATUS KeDelayExecutionThread(KPROCESSOR_MODE, BOOLEAN, PLARGE_INTEGER Interval) {
  let_pass(current(), Interval->QuadPart);
  return STATUS_SUCCESS;
}

}  // namespace dumpsim::kernel
