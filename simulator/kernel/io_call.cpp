// SPDX-License-Identifier: Apache-2.0
// IRPs on their way: sent down, completed, cancelled. Dispatch, completion and cancel routines of drivers are called
// through the gate in the convention of the image they lie in; host-made drivers are called directly. Every
// IofCallDriver that has not returned is noted, so that what a dispatch routine returns can be compared with what
// became of the IRP meanwhile, which may be gone by then.
#include <algorithm>
#include <cstring>

#include "kernel/exports.hpp"
#include "kernel/io_objects.hpp"
#include "trace/requests.hpp"
#include "trace/statuses.hpp"
//
#include "kernel/ddi.hpp"

namespace dumpsim::kernel {
namespace {

constexpr ULONG no_more_irp_stack_locations = 0x35;
constexpr ULONG multiple_irp_complete_requests = 0x44;
constexpr ULONG cancel_state_in_completed_irp = 0x48;
constexpr ULONG waiting_tag = 0x7761496F;  // "oIaw"

/// With a code and two lengths, at the same places of the union.
bool is_control(UCHAR major) {
  return major == IRP_MJ_DEVICE_CONTROL || major == IRP_MJ_INTERNAL_DEVICE_CONTROL ||
         major == IRP_MJ_FILE_SYSTEM_CONTROL;
}

std::uint64_t request_in(const IO_STACK_LOCATION* stack) {
  return trace::request_of(stack->MajorFunction, stack->MinorFunction,
                           is_control(stack->MajorFunction) ? stack->Parameters.DeviceIoControl.IoControlCode : 0);
}

/// What an IRP's memory holds when a completing driver may claim more.
std::size_t system_buffer_bytes(Kernel& kernel, PIRP irp) {
  const Block* block = kernel.pool().block_at(irp->AssociatedIrp.SystemBuffer);
  return block == nullptr ? 0 : block->bytes;
}

NTSTATUS call_dispatch(Kernel& kernel, const IoState::Driver* driver, const void* routine, PDEVICE_OBJECT device,
                       PIRP irp, std::uint64_t request) {
  const std::uint64_t arguments[] = {number_of(device), number_of(irp)};
  const machine::CallResult call = kernel.call_routine({.code = routine,
                                                        .callback = trace::Callback::dispatch,
                                                        .image = driver == nullptr ? trace::no_image : driver->image,
                                                        .request = request},
                                                       arguments);
  return call.returned ? static_cast<NTSTATUS>(call.value) : STATUS_UNSUCCESSFUL;
}

NTSTATUS call_completion(Kernel& kernel, PIO_COMPLETION_ROUTINE routine, PDEVICE_OBJECT device, PIRP irp,
                         PVOID context) {
  const std::uint64_t arguments[] = {number_of(device), number_of(irp), number_of(context)};
  const machine::CallResult call = kernel.call_routine(
      {.code = reinterpret_cast<const void*>(routine), .callback = trace::Callback::completion}, arguments);
  return call.returned ? static_cast<NTSTATUS>(call.value) : STATUS_MORE_PROCESSING_REQUIRED;
}

/// The completion routine of IoForwardIrpSynchronously: the kernel's own, so called directly and no callback.
NTSTATUS stop_completion(PDEVICE_OBJECT, PIRP, PVOID context) {
  kernel::KeSetEvent(static_cast<PRKEVENT>(context), IO_NO_INCREMENT, FALSE);
  return STATUS_MORE_PROCESSING_REQUIRED;
}

/// Output of a buffered request goes back to the requester: as many bytes as the driver says it has answered. Windows
/// believes the number [doc]; here no more is copied than there is room for, and the driver is told.
void copy_back(Kernel& kernel, PIRP irp) {
  std::size_t bytes = irp->IoStatus.Information;
  const auto flight = kernel.io().flights.find(irp);
  const std::size_t room = flight != kernel.io().flights.end() && flight->second.output_length != 0
                               ? flight->second.output_length
                               : system_buffer_bytes(kernel, irp);
  if (bytes > room) {
    char text[160];
    Line line(text);
    line.put("IoStatus.Information is ");
    line.put_decimal(bytes);
    line.put(", the requester's buffer has ");
    line.put_decimal(room);
    line.put(" bytes");
    kernel.violate(trace::Rule::irp_information_beyond_buffer, line.text());
    bytes = room;
  }
  std::memcpy(irp->UserBuffer, irp->AssociatedIrp.SystemBuffer,
              std::min<std::size_t>(bytes, system_buffer_bytes(kernel, irp)));
}

/// The I/O manager's part at the end: results to the requester, buffers and the IRP back to the pool.
void finish(Kernel& kernel, PIRP irp) {
  kernel.io().last_completed_by = kernel.image();
  if ((irp->Flags & IRP_BUFFERED_IO) != 0) {
    const bool copies =
        (irp->Flags & IRP_INPUT_OPERATION) != 0 && irp->UserBuffer != nullptr && !NT_ERROR(irp->IoStatus.Status);
    if (copies && irp->AssociatedIrp.SystemBuffer != nullptr) copy_back(kernel, irp);
    if ((irp->Flags & IRP_DEALLOCATE_BUFFER) != 0 && irp->AssociatedIrp.SystemBuffer != nullptr) {
      kernel.pool().free(static_cast<std::byte*>(irp->AssociatedIrp.SystemBuffer));
      irp->AssociatedIrp.SystemBuffer = nullptr;
    }
  }
  while (irp->MdlAddress != nullptr) {
    PMDL mdl = irp->MdlAddress;
    irp->MdlAddress = mdl->Next;
    if ((mdl->MdlFlags & MDL_PAGES_LOCKED) != 0) kernel::MmUnlockPages(mdl);
    kernel::IoFreeMdl(mdl);
  }
  // Written even when the request failed at once [assumed].
  if (irp->UserIosb != nullptr) *irp->UserIosb = irp->IoStatus;
  if (irp->UserEvent != nullptr) kernel::KeSetEvent(irp->UserEvent, 0, FALSE);
  PFILE_OBJECT file =
      std::erase(kernel.io().handle_requests, irp) != 0 ? irp->Tail.Overlay.OriginalFileObject : nullptr;
  kernel::IoFreeIrp(irp);
  if (file != nullptr) kernel::ObfDereferenceObject(file);
}

void put_request(Kernel& kernel, Line& line, std::uint64_t request, const DEVICE_OBJECT* device) {
  line.put(trace::request_words(request));
  line.put(" to ");
  put_device_name(kernel, line, device);
}

/// A dispatch routine has returned `status`: what it owed the IRP meanwhile. [doc: Handling IRPs] STATUS_PENDING goes
/// with IoMarkIrpPending and an IRP that is completed later, any other status with one that was completed with it.
[[gnu::noinline]] void judge_return(Kernel& kernel, const IoState::Sending& sending, std::uint16_t image,
                                    NTSTATUS status, std::uint64_t request) {
  const auto tell = [&](trace::Rule rule, std::string_view what, NTSTATUS other) {
    std::string text = trace::request_words(request) + ": " + std::string(what);
    if (other != 0) text += trace::format_status(other);
    kernel.recorder().violation(image, trace::Callback::dispatch, rule, text, kernel.site_of(image));
  };
  const auto flight = kernel.io().flights.find(sending.irp);
  const bool alive = flight != kernel.io().flights.end() && !sending.completed;
  if (status == STATUS_PENDING) {
    bool marked = sending.pending;
    if (alive && !marked) {
      // Further down it is others' to mark: the mark travels up when it is completed.
      const auto* own = reinterpret_cast<const IO_STACK_LOCATION*>(sending.irp + 1) + sending.location - 1;
      marked = sending.irp->CurrentLocation < sending.location || (own->Control & SL_PENDING_RETURNED) != 0;
    }
    if ((alive || sending.completed) && !marked) {
      tell(trace::Rule::irp_pending_mismatch, "returned STATUS_PENDING without IoMarkIrpPending", 0);
    }
    return;
  }
  if (sending.completed) {
    if (sending.pending) {
      tell(trace::Rule::irp_pending_mismatch, "marked pending and returned ", status == 0 ? 0 : status);
    } else if (sending.status != status) {
      std::string what = "returned " + trace::format_status(status) + ", completed with ";
      if (sending.status == 0) what += "STATUS_SUCCESS";
      tell(trace::Rule::irp_status_mismatch, what, sending.status);
    }
  } else if (alive) {
    tell(trace::Rule::irp_not_completed, "returned " + trace::format_status(status) + " and has not completed the IRP",
         0);
  }
}

void forget(Kernel& kernel, const IoState::Sending* sending) {
  std::erase(kernel.io().sendings, sending);
}

}  // namespace

NTSTATUS IofCallDriver(PDEVICE_OBJECT DeviceObject, PIRP Irp) {
  Kernel& kernel = current();
  IoState& io = kernel.io();
  if (find_device_object(kernel, DeviceObject) == nullptr) {
    no_such_object(kernel, "IofCallDriver", "device", DeviceObject);
  }
  if (--Irp->CurrentLocation <= 0) kernel.bugcheck(no_more_irp_stack_locations, {number_of(Irp), 0, 0, 0});
  PIO_STACK_LOCATION stack = --Irp->Tail.Overlay.CurrentStackLocation;
  stack->DeviceObject = DeviceObject;
  // Copied now: the IRP is gone when the driver has completed it, and perhaps the device as well.
  const UCHAR major = stack->MajorFunction;
  const bool control = is_control(major);
  const bool transfer = major == IRP_MJ_READ || major == IRP_MJ_WRITE;
  const std::uint64_t request = request_in(stack);
  const ULONG code = control ? stack->Parameters.DeviceIoControl.IoControlCode : 0;
  const ULONG input = control ? stack->Parameters.DeviceIoControl.InputBufferLength : 0;
  const ULONG length = control    ? stack->Parameters.DeviceIoControl.OutputBufferLength
                       : transfer ? stack->Parameters.Read.Length
                                  : 0;
  const std::uint64_t offset = transfer ? static_cast<std::uint64_t>(stack->Parameters.Read.ByteOffset.QuadPart) : 0;
  char name[96];
  Line device(name);
  put_device_name(kernel, device, DeviceObject);
  const auto [flight, first] = io.flights.try_emplace(Irp);
  if (first) flight->second.output_length = length;
  flight->second.request = request;
  flight->second.device = DeviceObject;
  flight->second.event = Irp->UserEvent;

  IoState::Sending sending{.irp = Irp, .location = Irp->CurrentLocation};
  io.sendings.push_back(&sending);
  NTSTATUS status = STATUS_INVALID_DEVICE_REQUEST;
  PDRIVER_OBJECT object = DeviceObject->DriverObject;
  const IoState::Driver* driver = find_driver(kernel, object);
  if (major > IRP_MJ_MAXIMUM_FUNCTION) {
    complete(Irp, status, 0);
  } else if (driver != nullptr && driver->dispatch != nullptr) {
    status = driver->dispatch(DeviceObject, Irp);
  } else {
    const std::uint16_t image = driver == nullptr ? trace::no_image : driver->image;
    status = call_dispatch(kernel, driver, reinterpret_cast<const void*>(object->MajorFunction[major]), DeviceObject,
                           Irp, request);
    if (!kernel.left()) judge_return(kernel, sending, image, status, request);
  }
  if (kernel.left()) return STATUS_UNSUCCESSFUL;  // called from the host, and the machine has stopped
  forget(kernel, &sending);
  if (kernel.image() == trace::no_image) return status;  // the system's own request: its event says what for
  if (control && major != IRP_MJ_FILE_SYSTEM_CONTROL) {
    kernel.recorder().device_control(kernel.image(), device.text(), code, input, length, status);
  } else {
    kernel.recorder().request(kernel.image(), device.text(), request, length, offset, status);
  }
  return status;
}

VOID IofCompleteRequest(PIRP Irp, CCHAR) {
  Kernel& kernel = current();
  const std::byte* start = nullptr;
  // What is no IRP any more is not even looked at.
  if (kernel.pool().freed_containing(Irp, start) != nullptr || Irp->Type != IO_TYPE_IRP ||
      Irp->CurrentLocation > Irp->StackCount + 1) {
    kernel.bugcheck(multiple_irp_complete_requests, {number_of(Irp), 0, 0, 0});
  }
  // A routine that is still set would be called for an IRP that is gone [doc].
  if (Irp->CancelRoutine != nullptr) kernel.bugcheck(cancel_state_in_completed_irp, {number_of(Irp), 0, 0, 0});
  // Each stack location on the way up holds the completion routine of the driver above it.
  while (Irp->CurrentLocation <= Irp->StackCount) {
    PIO_STACK_LOCATION left = Irp->Tail.Overlay.CurrentStackLocation;
    const UCHAR control = left->Control;
    PIO_COMPLETION_ROUTINE routine = left->CompletionRoutine;
    PVOID context = left->Context;
    const NTSTATUS status = Irp->IoStatus.Status;
    for (IoState::Sending* sending : kernel.io().sendings) {
      if (sending->irp != Irp || sending->location != Irp->CurrentLocation || sending->completed) continue;
      sending->completed = true;
      sending->pending = (control & SL_PENDING_RETURNED) != 0;
      sending->status = status;
    }
    Irp->PendingReturned = (control & SL_PENDING_RETURNED) != 0;
    ++Irp->CurrentLocation;
    ++Irp->Tail.Overlay.CurrentStackLocation;
    const bool top = Irp->CurrentLocation > Irp->StackCount;
    PDEVICE_OBJECT device = top ? nullptr : Irp->Tail.Overlay.CurrentStackLocation->DeviceObject;
    const bool wanted = (NT_SUCCESS(status) && (control & SL_INVOKE_ON_SUCCESS) != 0) ||
                        (!NT_SUCCESS(status) && (control & SL_INVOKE_ON_ERROR) != 0) ||
                        (Irp->Cancel && (control & SL_INVOKE_ON_CANCEL) != 0);
    if (wanted && routine != nullptr) {
      const NTSTATUS answer = routine == stop_completion ? stop_completion(device, Irp, context)
                                                         : call_completion(kernel, routine, device, Irp, context);
      if (answer == STATUS_MORE_PROCESSING_REQUIRED) return;
    } else if (Irp->PendingReturned && !top) {
      IoMarkIrpPending(Irp);
    }
  }
  finish(kernel, Irp);
}

NTSTATUS complete(PIRP irp, NTSTATUS status, ULONG_PTR information) {
  irp->IoStatus.Status = status;
  irp->IoStatus.Information = information;
  kernel::IofCompleteRequest(irp, IO_NO_INCREMENT);
  return status;
}

namespace {

/// The host's own request, which nobody completes: the machine waits for it for ever.
void give_up(Kernel& kernel, const IRP* irp) {
  const auto flight = kernel.io().flights.find(irp);
  if (flight == kernel.io().flights.end()) return;
  char text[224];
  Line line(text);
  put_request(kernel, line, flight->second.request, flight->second.device);
  line.put(": nobody has completed it, and Windows waits for that");
  const IoState::Driver* driver = find_driver(kernel, flight->second.device->DriverObject);
  kernel.stop_waiting(driver == nullptr ? trace::no_image : driver->image, trace::Callback::dispatch, line.text());
}

}  // namespace

NTSTATUS send_and_wait(Kernel& kernel, PDEVICE_OBJECT device, PIRP irp, ULONG_PTR* information) {
  // In pool and not in this frame: an IRP that is completed when the wait has been given up still writes to it.
  struct Waiting {
    KEVENT event;
    IO_STATUS_BLOCK result;
  };
  auto* waiting = reinterpret_cast<Waiting*>(allocate_object(kernel, waiting_tag, sizeof(Waiting)));
  if (waiting == nullptr) {
    kernel::IoFreeIrp(irp);
    return STATUS_INSUFFICIENT_RESOURCES;
  }
  kernel::KeInitializeEvent(&waiting->event, NotificationEvent, FALSE);
  irp->UserIosb = &waiting->result;
  irp->UserEvent = &waiting->event;
  kernel::IofCallDriver(device, irp);
  if (kernel.left()) return STATUS_UNSUCCESSFUL;
  if (kernel::KeReadStateEvent(&waiting->event) == 0) {
    if (!kernel.gate().active()) {
      // Some thread, timer or work item of the driver's may complete it; a minute's patience, in steps of 10 ms.
      constexpr std::uint64_t step = 100000;
      constexpr int patience = 6000;
      for (int i = 0; i < patience && kernel::KeReadStateEvent(&waiting->event) == 0; ++i) {
        if (!kernel.scheduler().pending(no_deadline - 1)) break;
        kernel.let_others_run(step);
        if (kernel.left()) return STATUS_UNSUCCESSFUL;
      }
      if (kernel::KeReadStateEvent(&waiting->event) == 0) {
        give_up(kernel, irp);
        return STATUS_PENDING;
      }
    } else {
      // Also when the driver returned another status: what counts is in the IRP, and it has not come back.
      kernel::KeWaitForSingleObject(&waiting->event, Executive, KernelMode, FALSE, nullptr);
    }
  }
  const NTSTATUS result = waiting->result.Status;
  if (information != nullptr) *information = waiting->result.Information;
  kernel.pool().free(reinterpret_cast<std::byte*>(waiting));
  return result;
}

void put_awaited_request(Kernel& kernel, Line& line, const void* object) {
  if (object == nullptr) return;
  for (const auto& [irp, flight] : kernel.io().flights) {
    if (flight.event != object) continue;
    line.put("; it is that of ");
    put_request(kernel, line, flight.request, flight.device);
    line.put(", which nobody has completed");
    return;
  }
}

BOOLEAN IoForwardIrpSynchronously(PDEVICE_OBJECT DeviceObject, PIRP Irp) {
  // Refused before anything is sent when no stack location is left [doc].
  if (Irp->CurrentLocation <= 1) return FALSE;
  Kernel& kernel = current();
  auto* done = reinterpret_cast<PRKEVENT>(allocate_object(kernel, waiting_tag, sizeof(KEVENT)));
  if (done == nullptr) return FALSE;
  kernel::KeInitializeEvent(done, NotificationEvent, FALSE);
  IoCopyCurrentIrpStackLocationToNext(Irp);
  IoSetCompletionRoutine(Irp, stop_completion, done, TRUE, TRUE, TRUE);
  kernel::IofCallDriver(DeviceObject, Irp);
  if (!kernel.left() && kernel::KeReadStateEvent(done) == 0) {
    // A wait for ever is told with the request that it is for. Looked up each time: a driver may free the IRP
    // meanwhile.
    const auto waits_for = [&](const void* event) {
      if (const auto flight = kernel.io().flights.find(Irp); flight != kernel.io().flights.end())
        flight->second.event = event;
    };
    const void* requesters = Irp->UserEvent;
    waits_for(done);
    kernel::KeWaitForSingleObject(done, Executive, KernelMode, FALSE, nullptr);
    waits_for(requesters);
  }
  if (kernel.left()) return FALSE;
  kernel.pool().free(reinterpret_cast<std::byte*>(done));
  return TRUE;
}

// There is one process, and its threads make all requests.
PEPROCESS IoGetRequestorProcess(PIRP Irp) {
  return Irp->Tail.Overlay.Thread == nullptr ? nullptr : kernel::IoGetCurrentProcess();
}

ULONG IoGetRequestorProcessId(PIRP Irp) {
  PEPROCESS process = kernel::IoGetRequestorProcess(Irp);
  return process == nullptr ? 0 : HandleToULong(kernel::PsGetProcessId(process));
}

BOOLEAN IoIs32bitProcess(PIRP) {
  return FALSE;
}

NTSTATUS PoCallDriver(PDEVICE_OBJECT DeviceObject, PIRP Irp) {
  return kernel::IofCallDriver(DeviceObject, Irp);
}

// Nothing to start: since Vista power IRPs are not queued behind each other's [doc].
VOID PoStartNextPowerIrp(PIRP) {}

NTSTATUS IoSetCompletionRoutineEx(PDEVICE_OBJECT, PIRP Irp, PIO_COMPLETION_ROUTINE CompletionRoutine, PVOID Context,
                                  BOOLEAN InvokeOnSuccess, BOOLEAN InvokeOnError, BOOLEAN InvokeOnCancel) {
  if (current().injected_failure(export_index::IoSetCompletionRoutineEx)) return STATUS_INSUFFICIENT_RESOURCES;
  IoSetCompletionRoutine(Irp, CompletionRoutine, Context, InvokeOnSuccess, InvokeOnError, InvokeOnCancel);
  return STATUS_SUCCESS;
}

// ---- cancelling ----

VOID IoAcquireCancelSpinLock(PKIRQL Irql) {
  Kernel& kernel = current();
  if (kernel.io().cancel_lock_held) {
    kernel.deadlock("IoAcquireCancelSpinLock: the cancel spin lock is held, and who holds it waits for it");
  }
  kernel.io().cancel_lock_held = true;
  *Irql = kernel::KfRaiseIrql(DISPATCH_LEVEL);
}

VOID IoReleaseCancelSpinLock(KIRQL Irql) {
  Kernel& kernel = current();
  kernel.io().cancel_lock_held = false;
  kernel::KeLowerIrql(Irql);
}

// The routine is called with the lock held and gives it back itself, to the level in CancelIrql [doc].
BOOLEAN IoCancelIrp(PIRP Irp) {
  Kernel& kernel = current();
  KIRQL before = PASSIVE_LEVEL;
  kernel::IoAcquireCancelSpinLock(&before);
  Irp->Cancel = TRUE;
  PDRIVER_CANCEL routine = IoSetCancelRoutine(Irp, nullptr);
  if (routine == nullptr) {
    kernel::IoReleaseCancelSpinLock(before);
    return FALSE;
  }
  Irp->CancelIrql = before;
  PDEVICE_OBJECT device =
      Irp->CurrentLocation > Irp->StackCount ? nullptr : IoGetCurrentIrpStackLocation(Irp)->DeviceObject;
  const std::uint64_t arguments[] = {number_of(device), number_of(Irp)};
  kernel.call_routine({.code = reinterpret_cast<const void*>(routine),
                       .callback = trace::Callback::cancel,
                       .returns_status = false,
                       .returns_at = before},
                      arguments);
  return TRUE;
}

}  // namespace dumpsim::kernel
