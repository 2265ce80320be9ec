// SPDX-License-Identifier: Apache-2.0
// Events, semaphores and mutexes: what changes their state, and who gets to run because of it. A priority increment
// boosts nobody here [assumed]: it would only change who is first among threads that can run anyway.
#include <algorithm>

#include "kernel/dispatcher.hpp"

namespace dumpsim::kernel {

// ---- events ----

VOID KeInitializeEvent(PRKEVENT Event, EVENT_TYPE Type, BOOLEAN State) {
  initialize(Event->Header, Type == NotificationEvent ? notification_event : synchronization_event, sizeof(KEVENT),
             State ? 1 : 0);
}

// With Wait the caller's next call is a wait, and the dispatcher stays locked up to it [doc]: nobody runs in between.
LONG KeSetEvent(PRKEVENT Event, KPRIORITY, BOOLEAN Wait) {
  Kernel& kernel = current();
  if (Wait) kernel.require_irql(export_index::KeSetEvent, APC_LEVEL);
  const LONG before = Event->Header.SignalState;
  Event->Header.SignalState = 1;
  if (before == 0) signal(Event->Header);
  if (!Wait) kernel.scheduler().poll();
  return before;
}

// Who waits at this moment goes on, nobody later [doc].
LONG KePulseEvent(PRKEVENT Event, KPRIORITY, BOOLEAN Wait) {
  Kernel& kernel = current();
  if (Wait) kernel.require_irql(export_index::KePulseEvent, APC_LEVEL);
  const LONG before = Event->Header.SignalState;
  Event->Header.SignalState = 1;
  if (before == 0) signal(Event->Header);
  Event->Header.SignalState = 0;
  if (!Wait) kernel.scheduler().poll();
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

// ---- mutexes ----

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
  // Releasing what one does not own raises STATUS_MUTANT_NOT_OWNED [doc].
  if (before > 0 || Mutex->OwnerThread != kernel::KeGetCurrentThread()) kernel::ExRaiseStatus(STATUS_MUTANT_NOT_OWNED);
  Mutex->Header.SignalState = before + 1;
  if (before + 1 == 1) {
    Thread& thread = kernel.scheduler().running();
    std::erase(thread.mutexes, Mutex);
    thread.critical_regions -= Mutex->ApcDisable;
    Mutex->OwnerThread = nullptr;
    signal(Mutex->Header);
    if (!Wait) kernel.scheduler().poll();
  }
  return before;
}

LONG KeReadStateMutex(PRKMUTEX Mutex) {
  return Mutex->Header.SignalState;
}

// ---- semaphores ----

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
    kernel::ExRaiseStatus(STATUS_SEMAPHORE_LIMIT_EXCEEDED);
  }
  Semaphore->Header.SignalState = before + Adjustment;
  signal(Semaphore->Header);
  if (!Wait) kernel.scheduler().poll();
  return before;
}

LONG KeReadStateSemaphore(PRKSEMAPHORE Semaphore) {
  return Semaphore->Header.SignalState;
}

}  // namespace dumpsim::kernel
