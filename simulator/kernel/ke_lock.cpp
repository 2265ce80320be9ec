// SPDX-License-Identifier: Apache-2.0
// Locks on a machine where one thread runs: a lock that is free is taken, one that is held is held by the caller
// itself, and waiting for it would never end. That is a deadlock on Windows too, so it ends the run by name.
#include "kernel/exports.hpp"
#include "kernel/io_state.hpp"
#include "kernel/kernel.hpp"
#include "kernel/line.hpp"
//
#include "kernel/ddi.hpp"

namespace dumpsim::kernel {
namespace {

[[noreturn]] void held(const char* function, const void* lock) {
  Kernel& kernel = current();
  char text[224];
  Line line(text);
  line.put(function);
  line.put(": the caller holds ");
  line.skip(kernel.words(lock, line.rest(), Words::canonical));
  line.put(" already");
  kernel.deadlock(line.text());
}

void take(const char* function, PKSPIN_LOCK lock) {
  if (*lock != 0) held(function, lock);
  *lock = 1;
}

std::uintptr_t this_thread() {
  return reinterpret_cast<std::uintptr_t>(kernel::KeGetCurrentThread());
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

VOID KeAcquireInStackQueuedSpinLockAtDpcLevel(PKSPIN_LOCK SpinLock, PKLOCK_QUEUE_HANDLE LockHandle) {
  take("KeAcquireInStackQueuedSpinLockAtDpcLevel", SpinLock);
  LockHandle->LockQueue.Next = nullptr;
  LockHandle->LockQueue.Lock = SpinLock;
}
VOID KeReleaseInStackQueuedSpinLockFromDpcLevel(PKLOCK_QUEUE_HANDLE LockHandle) {
  *LockHandle->LockQueue.Lock = 0;
}

VOID KeAcquireInStackQueuedSpinLock(PKSPIN_LOCK SpinLock, PKLOCK_QUEUE_HANDLE LockHandle) {
  LockHandle->OldIrql = kernel::KeRaiseIrqlToDpcLevel();
  take("KeAcquireInStackQueuedSpinLock", SpinLock);
  LockHandle->LockQueue.Next = nullptr;
  LockHandle->LockQueue.Lock = SpinLock;
}
VOID KeReleaseInStackQueuedSpinLock(PKLOCK_QUEUE_HANDLE LockHandle) {
  *LockHandle->LockQueue.Lock = 0;
  kernel::KeLowerIrql(LockHandle->OldIrql);
}

// ---- fast mutexes: Count has FM_LOCK_BIT while free; owning one means APC_LEVEL [doc] ----

VOID ExAcquireFastMutexUnsafe(PFAST_MUTEX FastMutex) {
  if ((FastMutex->Count & FM_LOCK_BIT) == 0) held("ExAcquireFastMutex", FastMutex);
  FastMutex->Count &= ~FM_LOCK_BIT;
  FastMutex->Owner = kernel::KeGetCurrentThread();
}
VOID ExReleaseFastMutexUnsafe(PFAST_MUTEX FastMutex) {
  FastMutex->Owner = nullptr;
  FastMutex->Count |= FM_LOCK_BIT;
}
VOID ExAcquireFastMutex(PFAST_MUTEX FastMutex) {
  Kernel& kernel = current();
  const KIRQL before = kernel.machine().processor.irql;
  if (before < APC_LEVEL) kernel.set_irql(APC_LEVEL);
  kernel::ExAcquireFastMutexUnsafe(FastMutex);
  FastMutex->OldIrql = before;
}
VOID ExReleaseFastMutex(PFAST_MUTEX FastMutex) {
  const auto before = static_cast<KIRQL>(FastMutex->OldIrql);
  kernel::ExReleaseFastMutexUnsafe(FastMutex);
  current().set_irql(before);
}
BOOLEAN ExTryToAcquireFastMutex(PFAST_MUTEX FastMutex) {
  if ((FastMutex->Count & FM_LOCK_BIT) == 0) return FALSE;
  kernel::ExAcquireFastMutex(FastMutex);
  return TRUE;
}

// ---- resources: taken again by their owner; a shared one cannot become exclusive [doc] ----

NTSTATUS ExInitializeResourceLite(PERESOURCE Resource) {
  *Resource = ERESOURCE{};
  Resource->SystemResourcesList.Flink = Resource->SystemResourcesList.Blink = &Resource->SystemResourcesList;
  return STATUS_SUCCESS;
}
NTSTATUS ExDeleteResourceLite(PERESOURCE Resource) {
  Resource->SystemResourcesList.Flink = Resource->SystemResourcesList.Blink = nullptr;
  return STATUS_SUCCESS;
}

constexpr USHORT owned_exclusive = 0x80;

BOOLEAN ExAcquireResourceExclusiveLite(PERESOURCE Resource, BOOLEAN Wait) {
  if (Resource->ActiveCount != 0 && (Resource->Flag & owned_exclusive) == 0) {
    if (!Wait) return FALSE;
    held("ExAcquireResourceExclusiveLite", Resource);
  }
  Resource->Flag |= owned_exclusive;
  Resource->OwnerEntry.OwnerThread = this_thread();
  ++Resource->ActiveCount;
  Resource->ActiveEntries = 1;
  return TRUE;
}
BOOLEAN ExAcquireResourceSharedLite(PERESOURCE Resource, BOOLEAN) {
  Resource->OwnerEntry.OwnerThread = this_thread();
  ++Resource->ActiveCount;
  Resource->ActiveEntries = 1;
  return TRUE;
}
// Releasing one that is not owned stops Windows with RESOURCE_NOT_OWNED (0xE3) [doc].
VOID ExReleaseResourceLite(PERESOURCE Resource) {
  if (Resource->ActiveCount == 0) {
    current().bugcheck(0xE3, {reinterpret_cast<std::uintptr_t>(Resource), this_thread(), 0, 0});
  }
  if (--Resource->ActiveCount != 0) return;
  Resource->ActiveEntries = 0;
  Resource->OwnerEntry.OwnerThread = 0;
  Resource->Flag &= static_cast<USHORT>(~owned_exclusive);
}

// ---- regions in which no APC is delivered ----

VOID KeEnterCriticalRegion(VOID) {
  ++current().io().critical_regions;
}
VOID KeLeaveCriticalRegion(VOID) {
  --current().io().critical_regions;
}
VOID KeEnterGuardedRegion(VOID) {
  ++current().io().guarded_regions;
}
VOID KeLeaveGuardedRegion(VOID) {
  --current().io().guarded_regions;
}

BOOLEAN KeAreAllApcsDisabled(VOID) {
  Kernel& kernel = current();
  return kernel.machine().processor.irql >= APC_LEVEL || kernel.io().guarded_regions != 0 ? TRUE : FALSE;
}
BOOLEAN KeAreApcsDisabled(VOID) {
  return kernel::KeAreAllApcsDisabled() || current().io().critical_regions != 0 ? TRUE : FALSE;
}

}  // namespace dumpsim::kernel
