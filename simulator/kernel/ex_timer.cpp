// SPDX-License-Identifier: Apache-2.0
// ExAllocateTimer and its kin: timers whose callback is called at DISPATCH_LEVEL, without a DPC of the driver's.
#include "kernel/dispatcher.hpp"

/// Opaque to drivers, a dispatcher object that may be waited for.
struct _EX_TIMER {
  DISPATCHER_HEADER header;
  const void* callback;
  PVOID context;
  LONGLONG period;  ///< 100 ns units
};

namespace dumpsim::kernel {
namespace {

constexpr ULONG timer_tag = 0x6D695445;     // "ETim"
constexpr ULONG notification = 0x80000000;  // EX_TIMER_NOTIFICATION

}  // namespace

void ex_timer_expired(Kernel& kernel, const Timers::Entry& entry) {
  auto* timer = static_cast<PEX_TIMER>(entry.timer);
  timer->header.SignalState = 1;
  if (timer->period != 0) {
    kernel.scheduler().timers().insert(timer, true, entry.due + static_cast<std::uint64_t>(timer->period), entry.image);
  }
  signal(timer->header);
  if (timer->callback == nullptr) return;
  kernel.scheduler().dpcs().push(
      {.dpc = timer, .routine = timer->callback, .context = number_of(timer->context), .extended = true}, false);
}

const void* ex_timer_routine(const Timers::Entry& entry) {
  return static_cast<const _EX_TIMER*>(entry.timer)->callback;
}

PEX_TIMER ExAllocateTimer(PEXT_CALLBACK Callback, PVOID CallbackContext, ULONG Attributes) {
  Kernel& kernel = current();
  if (kernel.injected_failure(export_index::ExAllocateTimer)) return nullptr;
  BlockRequest request;
  request.image = kernel.image();
  request.tag = timer_tag;
  request.bytes = sizeof(_EX_TIMER);
  request.zero = true;
  auto* timer = reinterpret_cast<PEX_TIMER>(kernel.pool().allocate(request));
  if (timer == nullptr) return nullptr;
  initialize(timer->header, (Attributes & notification) != 0 ? notification_timer : synchronization_timer,
             sizeof(KTIMER), 0);
  timer->callback = reinterpret_cast<const void*>(Callback);
  timer->context = CallbackContext;
  return timer;
}

BOOLEAN ExSetTimer(PEX_TIMER Timer, LONGLONG DueTime, LONGLONG Period, PEXT_SET_PARAMETERS) {
  Kernel& kernel = current();
  Timers& timers = kernel.scheduler().timers();
  const bool was_set = timers.remove(Timer);
  Timer->header.SignalState = 0;
  Timer->period = Period;
  timers.insert(Timer, true, deadline_of(kernel, DueTime), kernel.image());
  kernel.scheduler().poll();
  return was_set ? TRUE : FALSE;
}

BOOLEAN ExCancelTimer(PEX_TIMER Timer, PEXT_CANCEL_PARAMETERS) {
  return current().scheduler().timers().remove(Timer) ? TRUE : FALSE;
}

// A callback under way has ended by the time anybody else runs, so there is nothing to wait for. Deleting one that is
// set without cancelling it is the caller's mistake [doc]; it is cancelled all the same.
BOOLEAN ExDeleteTimer(PEX_TIMER Timer, BOOLEAN Cancel, BOOLEAN Wait, PEXT_DELETE_PARAMETERS Parameters) {
  Kernel& kernel = current();
  if (Wait) kernel.require_irql(export_index::ExDeleteTimer, APC_LEVEL);
  const bool was_set = kernel.scheduler().timers().remove(Timer);
  kernel.scheduler().dpcs().remove(Timer);
  PEXT_DELETE_CALLBACK deleted = Parameters == nullptr ? nullptr : Parameters->DeleteCallback;
  PVOID context = Parameters == nullptr ? nullptr : Parameters->DeleteContext;
  kernel.pool().free(reinterpret_cast<std::byte*>(Timer));
  if (deleted != nullptr) {
    const std::uint64_t arguments[] = {number_of(context)};
    kernel.call_driver(reinterpret_cast<const void*>(deleted), arguments);
  }
  return was_set && Cancel ? TRUE : FALSE;
}

}  // namespace dumpsim::kernel
