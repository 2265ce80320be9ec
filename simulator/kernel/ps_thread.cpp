// SPDX-License-Identifier: Apache-2.0
// System threads: created ready, so that they run once their creator waits or comes back, ended by themselves.
#include "kernel/dispatcher.hpp"

namespace dumpsim::kernel {

NTSTATUS PsCreateSystemThread(PHANDLE ThreadHandle, ULONG, POBJECT_ATTRIBUTES, HANDLE, PCLIENT_ID ClientId,
                              PKSTART_ROUTINE StartRoutine, PVOID StartContext) {
  Kernel& kernel = current();
  if (kernel.injected_failure(export_index::PsCreateSystemThread)) return STATUS_INSUFFICIENT_RESOURCES;
  kernel::KeGetCurrentThread();
  void* const object = new_thread_object(kernel);
  if (object == nullptr) return STATUS_INSUFFICIENT_RESOURCES;
  Thread* const thread = kernel.scheduler().create(reinterpret_cast<const void*>(StartRoutine), StartContext, object);
  if (thread == nullptr) {
    kernel::ObfDereferenceObject(object);
    return STATUS_INSUFFICIENT_RESOURCES;
  }
  reference(kernel, object);  // the handle's, beside the thread's own
  *ThreadHandle = reinterpret_cast<HANDLE>(kernel.open_object_handle(object));
  if (ClientId != nullptr) {
    ClientId->UniqueProcess = kernel::PsGetCurrentProcessId();
    ClientId->UniqueThread = reinterpret_cast<HANDLE>(thread->client_id());
  }
  kernel.scheduler().poll();
  return STATUS_SUCCESS;
}

// Only for threads that PsCreateSystemThread made [doc]. The one that loads drivers does not come back: the machine
// hangs, whatever else still runs.
NTSTATUS PsTerminateSystemThread(NTSTATUS ExitStatus) {
  Kernel& kernel = current();
  Scheduler& scheduler = kernel.scheduler();
  if (&scheduler.running() == &scheduler.first()) {
    kernel.deadlock("PsTerminateSystemThread: ended the system's thread that loads drivers; nothing follows");
  }
  scheduler.end(ExitStatus);
}

PETHREAD(PsGetCurrentThread)(VOID) {
  return reinterpret_cast<PETHREAD>(kernel::KeGetCurrentThread());
}

// Multiples of four; 4 is the system process, which every thread here belongs to.
HANDLE PsGetCurrentThreadId(VOID) {
  return reinterpret_cast<HANDLE>(current().scheduler().running().client_id());
}

HANDLE PsGetThreadId(PETHREAD Thread) {
  const kernel::Thread* thread = current().scheduler().thread_of(Thread);
  return reinterpret_cast<HANDLE>(thread == nullptr ? 0 : thread->client_id());
}

HANDLE PsGetThreadProcessId(PETHREAD) {
  return kernel::PsGetCurrentProcessId();
}

BOOLEAN PsIsSystemThread(PETHREAD Thread) {
  return current().scheduler().thread_of(Thread) != nullptr ? TRUE : FALSE;
}

BOOLEAN PsIsThreadTerminating(PETHREAD Thread) {
  const kernel::Thread* thread = current().scheduler().thread_of(Thread);
  return thread == nullptr || thread->state == kernel::Thread::State::ended ? TRUE : FALSE;
}

}  // namespace dumpsim::kernel
