// SPDX-License-Identifier: Apache-2.0
// DPCs. The simulated processor takes them when its IRQL falls below DISPATCH_LEVEL, whatever processor they were meant
// for: there is one that runs drivers. DpcData is what Windows shows of a queued one: not NULL.
#include "kernel/dispatcher.hpp"

namespace dumpsim::kernel {
namespace {

constexpr UCHAR dpc_object = 19;
constexpr UCHAR threaded_dpc_object = 26;

}  // namespace

bool queue_dpc(Kernel& kernel, PKDPC dpc, std::uint64_t argument1, std::uint64_t argument2) {
  Dpcs& dpcs = kernel.scheduler().dpcs();
  if (dpcs.contains(dpc)) return false;
  dpc->SystemArgument1 = reinterpret_cast<PVOID>(argument1);
  dpc->SystemArgument2 = reinterpret_cast<PVOID>(argument2);
  dpcs.push({.dpc = dpc,
             .routine = reinterpret_cast<const void*>(dpc->DeferredRoutine),
             .context = number_of(dpc->DeferredContext),
             .argument1 = argument1,
             .argument2 = argument2},
            dpc->Importance == HighImportance);
  return true;
}

VOID KeInitializeDpc(PRKDPC Dpc, PKDEFERRED_ROUTINE DeferredRoutine, PVOID DeferredContext) {
  *Dpc = KDPC{};
  Dpc->Type = dpc_object;
  Dpc->Importance = MediumImportance;
  Dpc->DeferredRoutine = DeferredRoutine;
  Dpc->DeferredContext = DeferredContext;
}

// Whether it runs at PASSIVE_LEVEL is the system's choice: drivers must expect DISPATCH_LEVEL [doc], which is what they
// get.
VOID KeInitializeThreadedDpc(PRKDPC Dpc, PKDEFERRED_ROUTINE DeferredRoutine, PVOID DeferredContext) {
  kernel::KeInitializeDpc(Dpc, DeferredRoutine, DeferredContext);
  Dpc->Type = threaded_dpc_object;
}

BOOLEAN KeInsertQueueDpc(PRKDPC Dpc, PVOID SystemArgument1, PVOID SystemArgument2) {
  Kernel& kernel = current();
  const bool queued = queue_dpc(kernel, Dpc, number_of(SystemArgument1), number_of(SystemArgument2));
  kernel.scheduler().poll();
  return queued ? TRUE : FALSE;
}

BOOLEAN KeRemoveQueueDpc(PRKDPC Dpc) {
  return current().scheduler().dpcs().remove(Dpc) ? TRUE : FALSE;
}

VOID KeSetImportanceDpc(PRKDPC Dpc, KDPC_IMPORTANCE Importance) {
  Dpc->Importance = static_cast<UCHAR>(Importance);
}

VOID KeSetTargetProcessorDpc(PRKDPC Dpc, CCHAR Number) {
  Dpc->Number = static_cast<USHORT>(static_cast<UCHAR>(Number) + 0x500);  // counted from MAXIMUM_PROC_PER_SYSTEM
}

// Returns once all that are queued have run [doc].
VOID KeFlushQueuedDpcs(VOID) {
  current().scheduler().poll();
}

}  // namespace dumpsim::kernel
