// SPDX-License-Identifier: Apache-2.0
// Nodes, groups and the processor's state: one node, one group, up to 64 processors.
#include <cstring>

#include "kernel/exports.hpp"
#include "kernel/kernel.hpp"
//
#include "kernel/ddi.hpp"

namespace dumpsim::kernel {

ULONG KeGetRecommendedSharedDataAlignment(VOID) {
  return 64;  // a cache line of every x64 processor
}
USHORT KeGetCurrentNodeNumber(VOID) {
  return 0;
}
USHORT KeQueryHighestNodeNumber(VOID) {
  return 0;
}

// A node that does not exist has no processors [doc].
VOID KeQueryNodeActiveAffinity(USHORT NodeNumber, PGROUP_AFFINITY Affinity, PUSHORT Count) {
  const bool exists = NodeNumber == 0;
  if (Affinity != nullptr) *Affinity = GROUP_AFFINITY{exists ? kernel::KeQueryActiveProcessors() : 0, 0, {0, 0, 0}};
  if (Count != nullptr) *Count = static_cast<USHORT>(exists ? current().machine().processors : 0);
}
USHORT KeQueryNodeMaximumProcessorCount(USHORT NodeNumber) {
  return static_cast<USHORT>(NodeNumber == 0 ? current().machine().processors : 0);
}
USHORT KeQueryMaximumGroupCount(VOID) {
  return 1;
}
KAFFINITY KeQueryGroupAffinity(USHORT GroupNumber) {
  return GroupNumber == 0 ? kernel::KeQueryActiveProcessors() : 0;
}
NTSTATUS KeGetProcessorNumberFromIndex(ULONG ProcIndex, PPROCESSOR_NUMBER ProcNumber) {
  if (ProcIndex >= current().machine().processors) return STATUS_INVALID_PARAMETER;
  *ProcNumber = PROCESSOR_NUMBER{0, static_cast<UCHAR>(ProcIndex), 0};
  return STATUS_SUCCESS;
}
ULONG KeGetProcessorIndexFromNumber(PPROCESSOR_NUMBER ProcNumber) {
  if (ProcNumber->Group != 0 || ProcNumber->Number >= current().machine().processors) return INVALID_PROCESSOR_INDEX;
  return ProcNumber->Number;
}

// Registers beyond those a call keeps belong to nobody here: no other thread's values are in them when a driver is
// called, so that nothing needs to be stored. Whoever saves twice nests [doc].
NTSTATUS KeSaveExtendedProcessorState(ULONG64 Mask, PXSTATE_SAVE XStateSave) {
  if (current().injected_failure(export_index::KeSaveExtendedProcessorState)) return STATUS_INSUFFICIENT_RESOURCES;
  std::memset(XStateSave, 0, sizeof *XStateSave);
  XStateSave->Thread = kernel::KeGetCurrentThread();
  XStateSave->Level = current().machine().processor.irql;
  XStateSave->XStateContext.Mask = Mask;
  return STATUS_SUCCESS;
}
VOID KeRestoreExtendedProcessorState(PXSTATE_SAVE XStateSave) {
  XStateSave->Thread = nullptr;
}

NTSTATUS KeSaveFloatingPointState(PKFLOATING_SAVE) {
  return STATUS_SUCCESS;
}
NTSTATUS KeRestoreFloatingPointState(PKFLOATING_SAVE) {
  return STATUS_SUCCESS;
}

// Only the system's process exists: to be attached to it is to be where one is.
VOID KeStackAttachProcess(PRKPROCESS Process, PRKAPC_STATE ApcState) {
  std::memset(ApcState, 0, sizeof *ApcState);
  ApcState->Process = Process;
}
VOID KeUnstackDetachProcess(PRKAPC_STATE ApcState) {
  ApcState->Process = nullptr;
}

}  // namespace dumpsim::kernel
