// SPDX-License-Identifier: Apache-2.0
// Lists that several lines of execution share: with a spin lock around each operation, or without. Nobody comes in
// between here; the lock is taken all the same, so that one held already is found.
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

/// What a list uses that has no routine of its own: the pool's, in the convention of the driver that calls it. They are
/// handed the list too by one of the extended kind, and in either convention know nothing of it.
template <class Function>
Function own_or(Function own, std::size_t index) {
  if (own != nullptr) return own;
  return reinterpret_cast<Function>(const_cast<void*>(all_exports()[index].entry(current().caller_convention())));
}

/// GENERAL_LOOKASIDE and GENERAL_LOOKASIDE_POOL, which differ in their alignment alone.
template <class List>
void initialize_lookaside(List& list, POOL_TYPE type, SIZE_T size, ULONG tag) {
  list = List{};
  list.Depth = lookaside_depth;
  list.MaximumDepth = lookaside_maximum;
  list.Type = type;
  list.Tag = tag;
  list.Size = static_cast<ULONG>(size < sizeof(SLIST_ENTRY) ? sizeof(SLIST_ENTRY) : size);
}

void initialize_lookaside(GENERAL_LOOKASIDE& list, PALLOCATE_FUNCTION allocate, PFREE_FUNCTION free, POOL_TYPE type,
                          SIZE_T size, ULONG tag) {
  initialize_lookaside(list, type, size, tag);
  list.Allocate = own_or(allocate, export_index::ExAllocatePoolWithTag);
  list.Free = own_or(free, export_index::ExFreePool);
}

/// Gives back what the list keeps. `whole` is what a routine of the extended kind is handed.
template <class List>
void flush_lookaside(List& list, void* whole) {
  Kernel& kernel = current();
  while (PSLIST_ENTRY entry = kernel::ExpInterlockedPopEntrySList(&list.ListHead)) {
    const void* code = reinterpret_cast<const void*>(list.Free);
    if (code == all_exports()[export_index::ExFreePool].entry(kernel.caller_convention())) {
      kernel::ExFreePool(entry);
    } else {
      const std::uint64_t arguments[] = {number_of(entry), number_of(whole)};
      kernel.call_driver(code, arguments);
    }
  }
}

bool is_pool_type(POOL_TYPE type) {
  constexpr ULONG base = 7, session = 32, flags = POOL_COLD_ALLOCATION | POOL_NX_ALLOCATION | POOL_ZERO_ALLOCATION;
  const auto bits = static_cast<ULONG>(type);
  return (bits & ~(base | session | flags)) == 0 && (bits & base) != DontUseThisType && (bits & base) != MaxPoolType;
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
  flush_lookaside(Lookaside->L, nullptr);
}
VOID ExInitializePagedLookasideList(PPAGED_LOOKASIDE_LIST Lookaside, PALLOCATE_FUNCTION Allocate, PFREE_FUNCTION Free,
                                    ULONG Flags, SIZE_T Size, ULONG Tag, USHORT) {
  const auto type = static_cast<POOL_TYPE>(static_cast<ULONG>(PagedPool) | Flags);
  initialize_lookaside(Lookaside->L, Allocate, Free, type, Size, Tag);
}
VOID ExDeletePagedLookasideList(PPAGED_LOOKASIDE_LIST Lookaside) {
  flush_lookaside(Lookaside->L, nullptr);
}

// Which pool its routine is asked for tells it what to do when there is none left [doc].
NTSTATUS ExInitializeLookasideListEx(PLOOKASIDE_LIST_EX Lookaside, PALLOCATE_FUNCTION_EX Allocate,
                                     PFREE_FUNCTION_EX Free, POOL_TYPE PoolType, ULONG Flags, SIZE_T Size, ULONG Tag,
                                     USHORT) {
  if (!is_pool_type(PoolType)) return STATUS_INVALID_PARAMETER_4;
  ULONG when_full = 0;
  if (Flags == EX_LOOKASIDE_LIST_EX_FLAGS_RAISE_ON_FAIL) {
    when_full = POOL_RAISE_IF_ALLOCATION_FAILURE;
  } else if (Flags == EX_LOOKASIDE_LIST_EX_FLAGS_FAIL_NO_RAISE) {
    when_full = POOL_QUOTA_FAIL_INSTEAD_OF_RAISE;
  } else if (Flags != 0) {
    return STATUS_INVALID_PARAMETER_5;
  }
  initialize_lookaside(Lookaside->L, static_cast<POOL_TYPE>(static_cast<ULONG>(PoolType) | when_full), Size, Tag);
  Lookaside->L.AllocateEx = own_or(Allocate, export_index::ExAllocatePoolWithTag);
  Lookaside->L.FreeEx = own_or(Free, export_index::ExFreePool);
  return STATUS_SUCCESS;
}
VOID ExFlushLookasideListEx(PLOOKASIDE_LIST_EX Lookaside) {
  flush_lookaside(Lookaside->L, Lookaside);
}
VOID ExDeleteLookasideListEx(PLOOKASIDE_LIST_EX Lookaside) {
  flush_lookaside(Lookaside->L, Lookaside);
}

}  // namespace dumpsim::kernel
