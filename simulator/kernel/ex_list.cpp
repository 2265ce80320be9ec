// SPDX-License-Identifier: Apache-2.0
// Lists that several lines of execution share: with a spin lock around each operation, or without. Nobody comes in
// between here; the lock is taken all the same, so that one held already is found. Lookaside lists get the pool's own
// routines in the convention of the driver that calls them.
#include "kernel/dispatcher.hpp"
#include "wdk/ddi/list.h"

namespace dumpsim::kernel {
namespace {

constexpr USHORT lookaside_depth = 4;      // to begin with
constexpr USHORT lookaside_maximum = 256;  // EX_MAXIMUM_LOOKASIDE_DEPTH_BASE [doc]

/// At any IRQL, as the routines' documentation has it: interrupts are off meanwhile.
class Locked {
 public:
  explicit Locked(PKSPIN_LOCK lock) : lock_(lock) { kernel::KeAcquireSpinLockAtDpcLevel(lock); }
  ~Locked() { kernel::KeReleaseSpinLockFromDpcLevel(lock_); }
  Locked(const Locked&) = delete;
  Locked& operator=(const Locked&) = delete;

 private:
  PKSPIN_LOCK lock_;
};

PSLIST_ENTRY first_of(const SLIST_HEADER& head) {
  return reinterpret_cast<PSLIST_ENTRY>(static_cast<std::uintptr_t>(head.HeaderX64.NextEntry << 4));
}

void set_first(SLIST_HEADER& head, const void* entry) {
  head.HeaderX64.NextEntry = number_of(entry) >> 4;
}

void initialize_lookaside(GENERAL_LOOKASIDE& list, PALLOCATE_FUNCTION allocate, PFREE_FUNCTION free, POOL_TYPE type,
                          SIZE_T size, ULONG tag) {
  Kernel& kernel = current();
  const auto entry = [&kernel](std::size_t index) {
    return const_cast<void*>(all_exports()[index].entry(kernel.caller_convention()));
  };
  list = GENERAL_LOOKASIDE{};
  list.Depth = lookaside_depth;
  list.MaximumDepth = lookaside_maximum;
  list.Type = type;
  list.Tag = tag;
  list.Size = static_cast<ULONG>(size < sizeof(SLIST_ENTRY) ? sizeof(SLIST_ENTRY) : size);
  list.Allocate =
      allocate != nullptr ? allocate : reinterpret_cast<PALLOCATE_FUNCTION>(entry(export_index::ExAllocatePoolWithTag));
  list.Free = free != nullptr ? free : reinterpret_cast<PFREE_FUNCTION>(entry(export_index::ExFreePool));
}

void delete_lookaside(GENERAL_LOOKASIDE& list) {
  Kernel& kernel = current();
  while (PSLIST_ENTRY entry = kernel::ExpInterlockedPopEntrySList(&list.ListHead)) {
    const void* code = reinterpret_cast<const void*>(list.Free);
    if (code == all_exports()[export_index::ExFreePool].entry(kernel.caller_convention())) {
      kernel::ExFreePool(entry);
    } else {
      const std::uint64_t arguments[] = {number_of(entry)};
      kernel.gate().call(kernel.convention_of(code), code, arguments);
    }
  }
}

}  // namespace

PLIST_ENTRY ExInterlockedInsertHeadList(PLIST_ENTRY ListHead, PLIST_ENTRY ListEntry, PKSPIN_LOCK Lock) {
  const Locked locked(Lock);
  PLIST_ENTRY before = IsListEmpty(ListHead) ? nullptr : ListHead->Flink;
  InsertHeadList(ListHead, ListEntry);
  return before;
}
PLIST_ENTRY ExInterlockedInsertTailList(PLIST_ENTRY ListHead, PLIST_ENTRY ListEntry, PKSPIN_LOCK Lock) {
  const Locked locked(Lock);
  PLIST_ENTRY before = IsListEmpty(ListHead) ? nullptr : ListHead->Blink;
  InsertTailList(ListHead, ListEntry);
  return before;
}
PLIST_ENTRY ExInterlockedRemoveHeadList(PLIST_ENTRY ListHead, PKSPIN_LOCK Lock) {
  const Locked locked(Lock);
  return IsListEmpty(ListHead) ? nullptr : RemoveHeadList(ListHead);
}
PSINGLE_LIST_ENTRY ExInterlockedPushEntryList(PSINGLE_LIST_ENTRY ListHead, PSINGLE_LIST_ENTRY ListEntry,
                                              PKSPIN_LOCK Lock) {
  const Locked locked(Lock);
  PSINGLE_LIST_ENTRY before = ListHead->Next;
  PushEntryList(ListHead, ListEntry);
  return before;
}
PSINGLE_LIST_ENTRY ExInterlockedPopEntryList(PSINGLE_LIST_ENTRY ListHead, PKSPIN_LOCK Lock) {
  const Locked locked(Lock);
  return PopEntryList(ListHead);
}
LARGE_INTEGER ExInterlockedAddLargeInteger(PLARGE_INTEGER Addend, LARGE_INTEGER Increment, PKSPIN_LOCK Lock) {
  const Locked locked(Lock);
  const LARGE_INTEGER before = *Addend;
  Addend->QuadPart += Increment.QuadPart;
  return before;
}
ULONG ExInterlockedAddUlong(PULONG Addend, ULONG Increment, PKSPIN_LOCK Lock) {
  const Locked locked(Lock);
  const ULONG before = *Addend;
  *Addend += Increment;
  return before;
}

VOID InitializeSListHead(PSLIST_HEADER SListHead) {
  *SListHead = SLIST_HEADER{};
}
USHORT ExQueryDepthSList(PSLIST_HEADER SListHead) {
  return static_cast<USHORT>(SListHead->HeaderX64.Depth);
}
PSLIST_ENTRY ExpInterlockedPushEntrySList(PSLIST_HEADER ListHead, PSLIST_ENTRY ListEntry) {
  PSLIST_ENTRY before = first_of(*ListHead);
  ListEntry->Next = before;
  set_first(*ListHead, ListEntry);
  ListHead->HeaderX64.Depth = (ListHead->HeaderX64.Depth + 1) & 0xFFFF;
  ListHead->HeaderX64.Sequence = (ListHead->HeaderX64.Sequence + 1) & 0xFFFFFFFFFFFF;
  return before;
}
PSLIST_ENTRY ExpInterlockedPopEntrySList(PSLIST_HEADER ListHead) {
  PSLIST_ENTRY first = first_of(*ListHead);
  if (first == nullptr) return nullptr;
  set_first(*ListHead, first->Next);
  ListHead->HeaderX64.Depth = (ListHead->HeaderX64.Depth - 1) & 0xFFFF;
  return first;
}
PSLIST_ENTRY ExpInterlockedFlushSList(PSLIST_HEADER ListHead) {
  PSLIST_ENTRY first = first_of(*ListHead);
  set_first(*ListHead, nullptr);
  ListHead->HeaderX64.Depth = 0;
  return first;
}

VOID ExInitializeNPagedLookasideList(PNPAGED_LOOKASIDE_LIST Lookaside, PALLOCATE_FUNCTION Allocate, PFREE_FUNCTION Free,
                                     ULONG Flags, SIZE_T Size, ULONG Tag, USHORT) {
  const auto type = static_cast<POOL_TYPE>(static_cast<ULONG>(NonPagedPool) | Flags);
  initialize_lookaside(Lookaside->L, Allocate, Free, type, Size, Tag);
}
VOID ExDeleteNPagedLookasideList(PNPAGED_LOOKASIDE_LIST Lookaside) {
  delete_lookaside(Lookaside->L);
}
VOID ExInitializePagedLookasideList(PPAGED_LOOKASIDE_LIST Lookaside, PALLOCATE_FUNCTION Allocate, PFREE_FUNCTION Free,
                                    ULONG Flags, SIZE_T Size, ULONG Tag, USHORT) {
  const auto type = static_cast<POOL_TYPE>(static_cast<ULONG>(PagedPool) | Flags);
  initialize_lookaside(Lookaside->L, Allocate, Free, type, Size, Tag);
}
VOID ExDeletePagedLookasideList(PPAGED_LOOKASIDE_LIST Lookaside) {
  delete_lookaside(Lookaside->L);
}

}  // namespace dumpsim::kernel
