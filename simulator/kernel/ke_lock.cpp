// SPDX-License-Identifier: Apache-2.0
// Spin locks on one processor, and the regions that keep APCs away. Who waits for a spin lock keeps the processor, so
// one that is held is held by somebody who cannot run: a deadlock on Windows too, which ends the run by name. Releasing
// one below DISPATCH_LEVEL lets in what has waited.
#include "kernel/dispatcher.hpp"

namespace dumpsim::kernel {
namespace {

[[noreturn]] void held(const char* function, const volatile void* lock) {
  Kernel& kernel = current();
  char text[224];
  Line line(text);
  line.put(function);
  line.put(": the caller holds ");
  line.skip(kernel.words(const_cast<const void*>(lock), line.rest(), Words::canonical));
  line.put(" already");
  kernel.deadlock(line.text());
}

void take(const char* function, PKSPIN_LOCK lock) {
  if (*lock != 0) held(function, lock);
  *lock = 1;
}

/// A queue of one: who holds the lock. Nobody can stand behind it on one processor.
void take_queued(const char* function, PKSPIN_LOCK lock, PKLOCK_QUEUE_HANDLE handle) {
  take(function, lock);
  handle->LockQueue.Next = nullptr;
  handle->LockQueue.Lock = lock;
}

constexpr LONG exclusive = static_cast<LONG>(0x80000000);

void take_exclusive(const char* function, PEX_SPIN_LOCK lock) {
  if (*lock != 0) held(function, lock);
  *lock = exclusive;
}

void take_shared(const char* function, PEX_SPIN_LOCK lock) {
  if (*lock < 0) held(function, lock);
  *lock = *lock + 1;
}

}  // namespace

KIRQL KeAcquireSpinLockRaiseToDpc(PKSPIN_LOCK SpinLock) {
  const KIRQL before = kernel::KeRaiseIrqlToDpcLevel();
  take("KeAcquireSpinLockRaiseToDpc", SpinLock);
  return before;
}

VOID KeReleaseSpinLock(PKSPIN_LOCK SpinLock, KIRQL NewIrql) {
  *SpinLock = 0;
  kernel::KeLowerIrql(NewIrql);
}

VOID KeAcquireSpinLockAtDpcLevel(PKSPIN_LOCK SpinLock) {
  take("KeAcquireSpinLockAtDpcLevel", SpinLock);
}
VOID KeReleaseSpinLockFromDpcLevel(PKSPIN_LOCK SpinLock) {
  *SpinLock = 0;
}

BOOLEAN KeTryToAcquireSpinLockAtDpcLevel(PKSPIN_LOCK SpinLock) {
  if (*SpinLock != 0) return FALSE;
  *SpinLock = 1;
  return TRUE;
}

BOOLEAN KeTestSpinLock(PKSPIN_LOCK SpinLock) {
  return *SpinLock == 0 ? TRUE : FALSE;
}

// In a threaded DPC at PASSIVE_LEVEL it raises, in any other it does not: DPCs run at DISPATCH_LEVEL here.
KIRQL KeAcquireSpinLockForDpc(PKSPIN_LOCK SpinLock) {
  const KIRQL before = current().machine().processor.irql;
  if (before < DISPATCH_LEVEL) kernel::KeRaiseIrqlToDpcLevel();
  take("KeAcquireSpinLockForDpc", SpinLock);
  return before;
}
VOID KeReleaseSpinLockForDpc(PKSPIN_LOCK SpinLock, KIRQL OldIrql) {
  *SpinLock = 0;
  if (OldIrql < DISPATCH_LEVEL) kernel::KeLowerIrql(OldIrql);
}

VOID KeAcquireInStackQueuedSpinLockAtDpcLevel(PKSPIN_LOCK SpinLock, PKLOCK_QUEUE_HANDLE LockHandle) {
  take_queued("KeAcquireInStackQueuedSpinLockAtDpcLevel", SpinLock, LockHandle);
}
VOID KeReleaseInStackQueuedSpinLockFromDpcLevel(PKLOCK_QUEUE_HANDLE LockHandle) {
  *LockHandle->LockQueue.Lock = 0;
}

VOID KeAcquireInStackQueuedSpinLock(PKSPIN_LOCK SpinLock, PKLOCK_QUEUE_HANDLE LockHandle) {
  LockHandle->OldIrql = kernel::KeRaiseIrqlToDpcLevel();
  take_queued("KeAcquireInStackQueuedSpinLock", SpinLock, LockHandle);
}
VOID KeReleaseInStackQueuedSpinLock(PKLOCK_QUEUE_HANDLE LockHandle) {
  kernel::KeReleaseSpinLock(LockHandle->LockQueue.Lock, LockHandle->OldIrql);
}

// ---- reader-writer spin locks: the sign bit while a writer has it, else the number of readers [assumed] ----

KIRQL ExAcquireSpinLockExclusive(PEX_SPIN_LOCK SpinLock) {
  const KIRQL before = kernel::KeRaiseIrqlToDpcLevel();
  take_exclusive("ExAcquireSpinLockExclusive", SpinLock);
  return before;
}
VOID ExReleaseSpinLockExclusive(PEX_SPIN_LOCK SpinLock, KIRQL OldIrql) {
  *SpinLock = 0;
  kernel::KeLowerIrql(OldIrql);
}
VOID ExAcquireSpinLockExclusiveAtDpcLevel(PEX_SPIN_LOCK SpinLock) {
  take_exclusive("ExAcquireSpinLockExclusiveAtDpcLevel", SpinLock);
}
VOID ExReleaseSpinLockExclusiveFromDpcLevel(PEX_SPIN_LOCK SpinLock) {
  *SpinLock = 0;
}
KIRQL ExAcquireSpinLockShared(PEX_SPIN_LOCK SpinLock) {
  const KIRQL before = kernel::KeRaiseIrqlToDpcLevel();
  take_shared("ExAcquireSpinLockShared", SpinLock);
  return before;
}
VOID ExReleaseSpinLockShared(PEX_SPIN_LOCK SpinLock, KIRQL OldIrql) {
  kernel::ExReleaseSpinLockSharedFromDpcLevel(SpinLock);
  kernel::KeLowerIrql(OldIrql);
}
VOID ExAcquireSpinLockSharedAtDpcLevel(PEX_SPIN_LOCK SpinLock) {
  take_shared("ExAcquireSpinLockSharedAtDpcLevel", SpinLock);
}
VOID ExReleaseSpinLockSharedFromDpcLevel(PEX_SPIN_LOCK SpinLock) {
  *SpinLock = *SpinLock - 1;
}
LOGICAL ExTryConvertSharedSpinLockExclusive(PEX_SPIN_LOCK SpinLock) {
  if (*SpinLock != 1) return FALSE;
  *SpinLock = exclusive;
  return TRUE;
}

// ---- regions in which no APC is delivered ----

VOID KeEnterCriticalRegion(VOID) {
  ++current().scheduler().running().critical_regions;
}
VOID KeLeaveCriticalRegion(VOID) {
  --current().scheduler().running().critical_regions;
}
VOID KeEnterGuardedRegion(VOID) {
  ++current().scheduler().running().guarded_regions;
}
VOID KeLeaveGuardedRegion(VOID) {
  --current().scheduler().running().guarded_regions;
}

BOOLEAN KeAreAllApcsDisabled(VOID) {
  Kernel& kernel = current();
  return kernel.machine().processor.irql >= APC_LEVEL || kernel.scheduler().running().guarded_regions != 0 ? TRUE
                                                                                                           : FALSE;
}
BOOLEAN KeAreApcsDisabled(VOID) {
  return kernel::KeAreAllApcsDisabled() || current().scheduler().running().critical_regions != 0 ? TRUE : FALSE;
}

}  // namespace dumpsim::kernel
