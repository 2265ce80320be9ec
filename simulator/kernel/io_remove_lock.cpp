// SPDX-License-Identifier: Apache-2.0
// Remove locks: a count of users and the wish that it ends. The structure is the free build's; a debug build's larger
// one begins with it, which is why its size comes along [doc].
#include "kernel/exports.hpp"
#include "kernel/kernel.hpp"
//
#include "kernel/ddi.hpp"

namespace dumpsim::kernel {
namespace {

/// The count after adding `change`.
LONG count(PIO_REMOVE_LOCK lock, LONG change) {
  const LONG now = lock->Common.IoCount + change;
  lock->Common.IoCount = now;
  return now;
}

void drop(PIO_REMOVE_LOCK lock) {
  if (count(lock, -1) == 0) kernel::KeSetEvent(&lock->Common.RemoveEvent, 0, FALSE);
}

}  // namespace

VOID IoInitializeRemoveLockEx(PIO_REMOVE_LOCK Lock, ULONG, ULONG, ULONG, ULONG) {
  Lock->Common.Removed = FALSE;
  Lock->Common.IoCount = 1;  // its own, until it is waited for
  kernel::KeInitializeEvent(&Lock->Common.RemoveEvent, SynchronizationEvent, FALSE);
}

NTSTATUS IoAcquireRemoveLockEx(PIO_REMOVE_LOCK RemoveLock, PVOID, PCSTR, ULONG, ULONG) {
  count(RemoveLock, 1);
  if (!RemoveLock->Common.Removed) return STATUS_SUCCESS;
  drop(RemoveLock);
  return STATUS_DELETE_PENDING;
}

VOID IoReleaseRemoveLockEx(PIO_REMOVE_LOCK RemoveLock, PVOID, ULONG) {
  drop(RemoveLock);
}

VOID IoReleaseRemoveLockAndWaitEx(PIO_REMOVE_LOCK RemoveLock, PVOID, ULONG) {
  RemoveLock->Common.Removed = TRUE;
  drop(RemoveLock);
  if (count(RemoveLock, -1) > 0) {
    kernel::KeWaitForSingleObject(&RemoveLock->Common.RemoveEvent, Executive, KernelMode, FALSE, nullptr);
  }
}

}  // namespace dumpsim::kernel
