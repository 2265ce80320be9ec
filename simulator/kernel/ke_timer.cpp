// SPDX-License-Identifier: Apache-2.0
// Timers. They come due on the virtual clock at exactly their time, where Windows waits for the next clock interrupt;
// which of two comes first is the same [assumed]. A due time that has passed already comes due at the next chance.
#include <array>

#include "kernel/dispatcher.hpp"

namespace dumpsim::kernel {
namespace {

constexpr LONGLONG per_millisecond = 10000;

BOOLEAN set_timer(PKTIMER timer, LARGE_INTEGER due, LONG period, PKDPC dpc) {
  Kernel& kernel = current();
  Timers& timers = kernel.scheduler().timers();
  const bool was_set = timers.remove(timer);
  timer->Header.SignalState = 0;
  timer->Dpc = dpc;
  timer->Period = static_cast<ULONG>(period);
  // A DueTime of 0 is an absolute time long ago: at once [doc].
  const std::uint64_t at = deadline_of(kernel, due.QuadPart);
  timer->DueTime.QuadPart = at;
  timers.insert(timer, false, at, kernel.image());
  kernel.scheduler().poll();
  return was_set ? TRUE : FALSE;
}

}  // namespace

void timer_expired(Kernel& kernel, const Timers::Entry& entry) {
  char text[96];
  Line line(text);
  line.skip(kernel.words(entry.timer, line.rest(), Words::canonical));
  kernel.recorder().timer_expired(entry.image, line.text());
  if (entry.extended) return ex_timer_expired(kernel, entry);
  auto* timer = static_cast<PKTIMER>(entry.timer);
  timer->Header.SignalState = 1;
  if (timer->Period != 0) {
    // The next period counts from when this one was due, so that no time is lost.
    const std::uint64_t next = entry.due + timer->Period * static_cast<std::uint64_t>(per_millisecond);
    timer->DueTime.QuadPart = next;
    kernel.scheduler().timers().insert(timer, false, next, entry.image);
  }
  signal(timer->Header);
  if (timer->Dpc == nullptr) return;
  // The routine's arguments are the system's time for whoever knows; drivers must not rely on them [doc].
  const std::uint64_t time = machine::boot_filetime + kernel.machine().clock.now;
  queue_dpc(kernel, timer->Dpc, time & 0xFFFFFFFF, time >> 32);
}

const void* timer_routine(const Timers::Entry& entry) {
  if (entry.extended) return ex_timer_routine(entry);
  const PKDPC dpc = static_cast<PKTIMER>(entry.timer)->Dpc;
  return dpc == nullptr ? nullptr : reinterpret_cast<const void*>(dpc->DeferredRoutine);
}

VOID KeInitializeTimerEx(PKTIMER Timer, TIMER_TYPE Type) {
  initialize(Timer->Header, Type == NotificationTimer ? notification_timer : synchronization_timer, sizeof(KTIMER), 0);
  Timer->DueTime.QuadPart = 0;
  Timer->Dpc = nullptr;
  Timer->Processor = 0;
  Timer->Period = 0;
}

VOID KeInitializeTimer(PKTIMER Timer) {
  kernel::KeInitializeTimerEx(Timer, NotificationTimer);
}

BOOLEAN KeSetTimer(PKTIMER Timer, LARGE_INTEGER DueTime, PKDPC Dpc) {
  return set_timer(Timer, DueTime, 0, Dpc);
}

BOOLEAN KeSetTimerEx(PKTIMER Timer, LARGE_INTEGER DueTime, LONG Period, PKDPC Dpc) {
  return set_timer(Timer, DueTime, Period, Dpc);
}

// The tolerable delay is time in which Windows may let it come due with others; none is needed here [doc].
BOOLEAN KeSetCoalescableTimer(PKTIMER Timer, LARGE_INTEGER DueTime, ULONG Period, ULONG, PKDPC Dpc) {
  return set_timer(Timer, DueTime, static_cast<LONG>(Period), Dpc);
}

// A DPC that it has queued already still runs [doc].
BOOLEAN KeCancelTimer(PKTIMER Timer) {
  const bool was_set = current().scheduler().timers().remove(Timer);
  Timer->Period = 0;
  return was_set ? TRUE : FALSE;
}

BOOLEAN KeReadStateTimer(PKTIMER Timer) {
  return Timer->Header.SignalState > 0 ? TRUE : FALSE;
}

}  // namespace dumpsim::kernel
