// SPDX-License-Identifier: Apache-2.0
// The current thread, priorities and affinities. One processor runs drivers: an affinity is remembered and asked for
// back, and changes nothing else.
#include "kernel/dispatcher.hpp"

namespace dumpsim::kernel {
namespace {

constexpr ULONG thread_tag = 0x65726854;     // "Thre"
constexpr std::size_t thread_bytes = 0x600;  // opaque: only the address and the dispatcher header mean something

constexpr KPRIORITY low_realtime_priority = 16;
constexpr KPRIORITY high_priority = 31;

}  // namespace

void* new_thread_object(Kernel& kernel) {
  BlockRequest request;
  request.tag = thread_tag;
  request.bytes = thread_bytes;
  request.zero = true;
  std::byte* const at = kernel.pool().allocate(request);
  if (at == nullptr) return nullptr;
  initialize(*reinterpret_cast<DISPATCHER_HEADER*>(at), thread_object, sizeof(DISPATCHER_HEADER), 0);
  kernel.io().references[at] = 1;
  return at;
}

// gs:[188h] holds the same.
PKTHREAD KeGetCurrentThread(VOID) {
  Kernel& kernel = current();
  Thread& thread = kernel.scheduler().running();
  if (thread.object == nullptr) {
    thread.object = kernel.machine().processor.initial_thread();
    if (thread.object == nullptr) thread.object = new_thread_object(kernel);
    if (thread.object != nullptr) kernel.io().references[thread.object] = 1;
  }
  return static_cast<PKTHREAD>(thread.object);
}

KPRIORITY KeQueryPriorityThread(PKTHREAD Thread) {
  const kernel::Thread* thread = current().scheduler().thread_of(Thread);
  return thread == nullptr ? 0 : thread->priority;
}

KPRIORITY KeSetPriorityThread(PKTHREAD Thread, KPRIORITY Priority) {
  Kernel& kernel = current();
  kernel::Thread* thread = kernel.scheduler().thread_of(Thread);
  if (thread == nullptr) return 0;
  const KPRIORITY before = thread->priority;
  static_assert(low_realtime_priority == LOW_REALTIME_PRIORITY && high_priority == HIGH_PRIORITY);
  if (Priority > 0 && Priority <= high_priority) kernel.scheduler().set_priority(*thread, Priority);
  return before;
}

VOID KeSetSystemGroupAffinityThread(PGROUP_AFFINITY Affinity, PGROUP_AFFINITY PreviousAffinity) {
  kernel::Thread& thread = current().scheduler().running();
  // What it was before the first change is zero: nothing to go back to [doc].
  if (PreviousAffinity != nullptr) *PreviousAffinity = GROUP_AFFINITY{thread.affinity, 0, {0, 0, 0}};
  if (Affinity->Group == 0 && (Affinity->Mask & kernel::KeQueryActiveProcessors()) != 0) {
    thread.affinity = Affinity->Mask & kernel::KeQueryActiveProcessors();
  }
}

VOID KeRevertToUserGroupAffinityThread(PGROUP_AFFINITY PreviousAffinity) {
  current().scheduler().running().affinity = PreviousAffinity->Mask;
}

KAFFINITY KeSetSystemAffinityThreadEx(KAFFINITY Affinity) {
  kernel::Thread& thread = current().scheduler().running();
  const KAFFINITY before = thread.affinity;
  if ((Affinity & kernel::KeQueryActiveProcessors()) != 0) {
    thread.affinity = Affinity & kernel::KeQueryActiveProcessors();
  }
  return before;
}
VOID KeSetSystemAffinityThread(KAFFINITY Affinity) {
  kernel::KeSetSystemAffinityThreadEx(Affinity);
}
VOID KeRevertToUserAffinityThreadEx(KAFFINITY Affinity) {
  current().scheduler().running().affinity = Affinity;
}
VOID KeRevertToUserAffinityThread(VOID) {
  current().scheduler().running().affinity = 0;
}

}  // namespace dumpsim::kernel
