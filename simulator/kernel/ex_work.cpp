// SPDX-License-Identifier: Apache-2.0
// Work items and the system's worker threads. As many workers run as Windows lets run at a time on one processor: one,
// and another as soon as that rests inside an item while more are queued [doc: the queue's concurrency].
#include <algorithm>

#include "kernel/dispatcher.hpp"
#include "kernel/work.hpp"

/// Opaque to drivers: from IoAllocateWorkItem, or in their own memory of IoSizeofWorkItem() bytes.
struct _IO_WORKITEM {
  WORK_QUEUE_ITEM item;
  const void* routine;
  PVOID object;
  PVOID context;
};

namespace dumpsim::kernel {
namespace {

constexpr ULONG work_item_tag = 0x20496F49;  // "IoI "
constexpr ULONG worker_invalid = 0xE4;
constexpr std::size_t worker_limit = 16;

bool queued(Kernel& kernel, const void* item) {
  const auto& work = kernel.scheduler().work();
  return std::any_of(work.begin(), work.end(), [item](const WorkItem& each) { return each.item == item; });
}

void queue(Kernel& kernel, WorkItem item) {
  if (queued(kernel, item.item)) {
    kernel.bugcheck(worker_invalid, {1, number_of(item.item), number_of(&kernel.scheduler().work()), 0});
  }
  const ImageRange* image = kernel.image_at(item.routine);
  item.image = image != nullptr ? image->id : kernel.image();
  if (item.device != nullptr) reference(kernel, item.device);
  kernel.scheduler().work().push_back(item);
  kernel.scheduler().want_worker();
  kernel.scheduler().poll();
}

void queue_io(PIO_WORKITEM item, const void* routine, PVOID context, bool extended) {
  WorkItem work;
  work.item = item;
  work.routine = routine;
  work.arguments[0] = number_of(item->object);
  work.arguments[1] = number_of(context);
  work.arguments[2] = number_of(item);
  work.argument_count = extended ? 3 : 2;
  Kernel& kernel = current();
  if (kernel.io().references.contains(item->object)) work.device = item->object;
  item->routine = routine;
  item->context = context;
  queue(kernel, work);
}

}  // namespace

void Scheduler::want_worker() {
  if (work_.empty()) return;
  std::size_t workers = 0;
  for (const auto& thread : threads_) {
    if (!thread->worker || thread->state == Thread::State::ended) continue;
    ++workers;
    if (thread->wait.kind == WaitKind::work && thread->state == Thread::State::waiting) {
      make_ready(*thread);
      return;
    }
    // One that runs or is about to takes the next item when it is done.
    if (thread->state != Thread::State::waiting) return;
  }
  if (workers >= worker_limit) return;
  void* const object = new_thread_object(kernel_);
  if (object == nullptr) return;
  if (create_worker(object) == nullptr) kernel::ObfDereferenceObject(object);
}

void serve_work(Kernel& kernel, Thread& worker) {
  Scheduler& scheduler = kernel.scheduler();
  for (;;) {
    while (!scheduler.work().empty()) {
      const WorkItem item = scheduler.work().front();
      scheduler.work().pop_front();
      worker.context.image = item.image;
      worker.context.callback = trace::Callback::work_item;
      worker.context.depth = 0;
      worker.at_work = true;
      kernel.tell_running(worker.context);
      kernel.recorder().work_item_run(item.image, worker.id);
      kernel.call_driver(item.routine, std::span(item.arguments).first(item.argument_count));
      worker.at_work = false;
      // WORKER_THREAD_RETURNED_AT_BAD_IRQL [doc].
      const std::uint8_t irql = kernel.machine().processor.irql;
      if (irql != PASSIVE_LEVEL) kernel.bugcheck(0xE1, {number_of(item.routine), irql, number_of(item.item), 0});
      if (item.device != nullptr) kernel::ObfDereferenceObject(item.device);
    }
    worker.context.image = trace::no_image;
    worker.context.callback = trace::Callback::thread;
    begin_wait(kernel, WaitKind::work, "worker", nullptr);
    scheduler.rest();
  }
}

VOID ExQueueWorkItem(PWORK_QUEUE_ITEM WorkItem, WORK_QUEUE_TYPE) {
  kernel::WorkItem work;
  work.item = WorkItem;
  work.routine = reinterpret_cast<const void*>(WorkItem->WorkerRoutine);
  work.arguments[0] = number_of(WorkItem->Parameter);
  work.argument_count = 1;
  queue(current(), work);
}

PIO_WORKITEM IoAllocateWorkItem(PDEVICE_OBJECT DeviceObject) {
  Kernel& kernel = current();
  if (kernel.injected_failure(export_index::IoAllocateWorkItem)) return nullptr;
  BlockRequest request;
  request.image = kernel.image();
  request.tag = work_item_tag;
  request.bytes = sizeof(_IO_WORKITEM);
  request.zero = true;
  auto* item = reinterpret_cast<PIO_WORKITEM>(kernel.pool().allocate(request));
  if (item != nullptr) item->object = DeviceObject;
  return item;
}

// Freed while it is queued, its memory would be called: WORKER_INVALID [doc].
VOID IoFreeWorkItem(PIO_WORKITEM IoWorkItem) {
  Kernel& kernel = current();
  if (queued(kernel, IoWorkItem)) kernel.bugcheck(worker_invalid, {0, number_of(IoWorkItem), 0, 0});
  kernel::ExFreePoolWithTag(IoWorkItem, 0);
}

ULONG IoSizeofWorkItem(VOID) {
  return sizeof(_IO_WORKITEM);
}

VOID IoInitializeWorkItem(PVOID IoObject, PIO_WORKITEM IoWorkItem) {
  *IoWorkItem = _IO_WORKITEM{};
  IoWorkItem->object = IoObject;
}

VOID IoUninitializeWorkItem(PIO_WORKITEM IoWorkItem) {
  Kernel& kernel = current();
  if (queued(kernel, IoWorkItem)) kernel.bugcheck(worker_invalid, {0, number_of(IoWorkItem), 0, 0});
}

VOID IoQueueWorkItem(PIO_WORKITEM IoWorkItem, PIO_WORKITEM_ROUTINE WorkerRoutine, WORK_QUEUE_TYPE, PVOID Context) {
  queue_io(IoWorkItem, reinterpret_cast<const void*>(WorkerRoutine), Context, false);
}

VOID IoQueueWorkItemEx(PIO_WORKITEM IoWorkItem, PIO_WORKITEM_ROUTINE_EX WorkerRoutine, WORK_QUEUE_TYPE, PVOID Context) {
  queue_io(IoWorkItem, reinterpret_cast<const void*>(WorkerRoutine), Context, true);
}

}  // namespace dumpsim::kernel
