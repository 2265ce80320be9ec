// SPDX-License-Identifier: Apache-2.0
// Fast and guarded mutexes, which have one layout: Count has FM_LOCK_BIT while the mutex is free, Owner is the thread
// that has it. A fast mutex keeps its owner at APC_LEVEL, a guarded one in a guarded region [doc]. Neither may be taken
// twice by one thread: it would wait for itself.
#include "kernel/dispatcher.hpp"

namespace dumpsim::kernel {
namespace {

bool is_free(const FAST_MUTEX& mutex) {
  return (mutex.Count & FM_LOCK_BIT) != 0;
}

void take(std::string_view function, PFAST_MUTEX mutex) {
  Kernel& kernel = current();
  PKTHREAD thread = kernel::KeGetCurrentThread();
  if (!is_free(*mutex)) ++mutex->Contention;
  rest_until(kernel, WaitKind::fast_mutex, function, mutex, [mutex] { return is_free(*mutex); });
  mutex->Count &= ~FM_LOCK_BIT;
  mutex->Owner = thread;
}

void give_back(PFAST_MUTEX mutex) {
  mutex->Owner = nullptr;
  mutex->Count |= FM_LOCK_BIT;
  current().scheduler().wake(mutex);
}

PFAST_MUTEX fast(PKGUARDED_MUTEX mutex) {
  static_assert(sizeof(KGUARDED_MUTEX) == sizeof(FAST_MUTEX));
  return reinterpret_cast<PFAST_MUTEX>(mutex);
}

}  // namespace

VOID ExAcquireFastMutexUnsafe(PFAST_MUTEX FastMutex) {
  take("ExAcquireFastMutexUnsafe", FastMutex);
}
VOID ExReleaseFastMutexUnsafe(PFAST_MUTEX FastMutex) {
  give_back(FastMutex);
  current().scheduler().poll();
}
VOID ExAcquireFastMutex(PFAST_MUTEX FastMutex) {
  Kernel& kernel = current();
  const KIRQL before = kernel.machine().processor.irql;
  if (before < APC_LEVEL) kernel.set_irql(APC_LEVEL);
  take("ExAcquireFastMutex", FastMutex);
  FastMutex->OldIrql = before;
}
VOID ExReleaseFastMutex(PFAST_MUTEX FastMutex) {
  Kernel& kernel = current();
  const auto before = static_cast<KIRQL>(FastMutex->OldIrql);
  give_back(FastMutex);
  kernel.set_irql(before);
  kernel.scheduler().poll();
}
BOOLEAN ExTryToAcquireFastMutex(PFAST_MUTEX FastMutex) {
  if (!is_free(*FastMutex)) return FALSE;
  kernel::ExAcquireFastMutex(FastMutex);
  return TRUE;
}

VOID KeInitializeGuardedMutex(PKGUARDED_MUTEX Mutex) {
  *Mutex = KGUARDED_MUTEX{};
  Mutex->Count = FM_LOCK_BIT;
  initialize(Mutex->Gate.Header, synchronization_event, sizeof(KEVENT), 0);
}
VOID KeAcquireGuardedMutexUnsafe(PKGUARDED_MUTEX FastMutex) {
  take("KeAcquireGuardedMutexUnsafe", fast(FastMutex));
}
VOID KeReleaseGuardedMutexUnsafe(PKGUARDED_MUTEX FastMutex) {
  give_back(fast(FastMutex));
  current().scheduler().poll();
}
VOID KeAcquireGuardedMutex(PKGUARDED_MUTEX Mutex) {
  kernel::KeEnterGuardedRegion();
  take("KeAcquireGuardedMutex", fast(Mutex));
}
VOID KeReleaseGuardedMutex(PKGUARDED_MUTEX Mutex) {
  give_back(fast(Mutex));
  kernel::KeLeaveGuardedRegion();
  current().scheduler().poll();
}
BOOLEAN KeTryToAcquireGuardedMutex(PKGUARDED_MUTEX Mutex) {
  if (!is_free(*fast(Mutex))) return FALSE;
  kernel::KeAcquireGuardedMutex(Mutex);
  return TRUE;
}

}  // namespace dumpsim::kernel
