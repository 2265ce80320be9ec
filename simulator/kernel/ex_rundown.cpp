// SPDX-License-Identifier: Apache-2.0
// Push locks and rundown protection: words in the driver's memory whose bits are the executive's own business. Here a
// push lock is 0, -1 for a writer or the number of readers times 2 [assumed]; a rundown reference counts twos and has
// bit 0 set once it runs down [doc for the latter].
#include "kernel/dispatcher.hpp"

namespace dumpsim::kernel {
namespace {

constexpr ULONG_PTR writer = ~ULONG_PTR{0};
constexpr ULONG_PTR reader = 2;
constexpr ULONG_PTR running_down = 1;
constexpr ULONG_PTR one_user = 2;

}  // namespace

VOID ExInitializePushLock(PEX_PUSH_LOCK PushLock) {
  *PushLock = 0;
}

VOID ExAcquirePushLockExclusiveEx(PEX_PUSH_LOCK PushLock, ULONG) {
  rest_until(current(), WaitKind::push_lock, "ExAcquirePushLockExclusiveEx", PushLock,
             [PushLock] { return *PushLock == 0; });
  *PushLock = writer;
}
VOID ExReleasePushLockExclusiveEx(PEX_PUSH_LOCK PushLock, ULONG) {
  *PushLock = 0;
  Scheduler& scheduler = current().scheduler();
  scheduler.wake(PushLock);
  scheduler.poll();
}
VOID ExAcquirePushLockSharedEx(PEX_PUSH_LOCK PushLock, ULONG) {
  rest_until(current(), WaitKind::push_lock, "ExAcquirePushLockSharedEx", PushLock,
             [PushLock] { return *PushLock != writer; });
  *PushLock += reader;
}
VOID ExReleasePushLockSharedEx(PEX_PUSH_LOCK PushLock, ULONG) {
  *PushLock -= reader;
  Scheduler& scheduler = current().scheduler();
  if (*PushLock == 0) scheduler.wake(PushLock);
  scheduler.poll();
}

VOID ExInitializeRundownProtection(PEX_RUNDOWN_REF RunRef) {
  RunRef->Count = 0;
}
VOID ExReInitializeRundownProtection(PEX_RUNDOWN_REF RunRef) {
  RunRef->Count = 0;
}
BOOLEAN ExAcquireRundownProtectionEx(PEX_RUNDOWN_REF RunRef, ULONG Count) {
  if ((RunRef->Count & running_down) != 0) return FALSE;
  RunRef->Count = RunRef->Count + Count * one_user;
  return TRUE;
}
BOOLEAN ExAcquireRundownProtection(PEX_RUNDOWN_REF RunRef) {
  return kernel::ExAcquireRundownProtectionEx(RunRef, 1);
}
VOID ExReleaseRundownProtectionEx(PEX_RUNDOWN_REF RunRef, ULONG Count) {
  RunRef->Count = RunRef->Count - Count * one_user;
  Scheduler& scheduler = current().scheduler();
  if (RunRef->Count == running_down) scheduler.wake(RunRef);
  scheduler.poll();
}
VOID ExReleaseRundownProtection(PEX_RUNDOWN_REF RunRef) {
  kernel::ExReleaseRundownProtectionEx(RunRef, 1);
}
VOID ExRundownCompleted(PEX_RUNDOWN_REF RunRef) {
  RunRef->Count = running_down;
}
VOID ExWaitForRundownProtectionRelease(PEX_RUNDOWN_REF RunRef) {
  RunRef->Count = RunRef->Count | running_down;
  rest_until(current(), WaitKind::rundown, "ExWaitForRundownProtectionRelease", RunRef,
             [RunRef] { return RunRef->Count == running_down; });
}

}  // namespace dumpsim::kernel
