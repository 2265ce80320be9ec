// SPDX-License-Identifier: Apache-2.0
// Memory descriptor lists with true PFNs. What makes a dump filter right or wrong is whether PFNs, StartVa and
// MappedSystemVa still describe the same memory, so each routine sets exactly the fields and flags that Windows sets.
#include <algorithm>
#include <cstring>
#include <span>
#include <vector>

#include "kernel/exception.hpp"
#include "kernel/exports.hpp"
#include "kernel/io_objects.hpp"
#include "kernel/line.hpp"
#include "kernel/trap.hpp"

namespace dumpsim::kernel {
namespace {

constexpr std::size_t mdl_pages_limit = std::size_t{1} << 20;  // a buffer has less than 4 GiB [doc]

static_assert(sizeof(PFN_NUMBER) == sizeof(Pfn));

std::size_t pages_of(const MDL& mdl) {
  return (mdl.ByteOffset + static_cast<std::size_t>(mdl.ByteCount) + page_size - 1) >> page_shift;
}

void fill_pfns(PMDL mdl) {
  machine::PhysicalMemory& memory = current().memory();
  const auto* at = static_cast<const std::byte*>(mdl->StartVa);
  PPFN_NUMBER pfns = MmGetMdlPfnArray(mdl);
  for (std::size_t i = 0, pages = pages_of(*mdl); i < pages; ++i) pfns[i] = memory.pfn_of(at + i * page_size);
}

/// The address at which the MDL's pages already lie one behind the other, or nullptr.
std::byte* where_contiguous(const MDL* mdl) {
  machine::PhysicalMemory& memory = current().memory();
  const auto* pfns = reinterpret_cast<const PFN_NUMBER*>(mdl + 1);
  std::byte* first = memory.address_of(pfns[0]);
  if (first == nullptr) return nullptr;
  for (std::size_t i = 1, pages = pages_of(*mdl); i < pages; ++i) {
    if (memory.address_of(pfns[i]) != first + i * page_size) return nullptr;
  }
  return first;
}

/// Locked pages of paged pool are in memory at any IRQL.
template <class Change>
void for_each_paged_block(const MDL& mdl, Change change) {
  machine::DriverSections& sections = current().machine().sections;
  const machine::DriverSections::Row* before = nullptr;
  const auto* at = static_cast<const std::byte*>(mdl.StartVa);
  for (std::size_t i = 0, pages = pages_of(mdl); i < pages; ++i) {
    machine::DriverSections::Row* row = sections.at(at + i * page_size);
    if (row != nullptr && row->pool && row != before) change(sections, *row);
    before = row;
  }
}

PVOID map(std::size_t index, PMDL mdl, KPROCESSOR_MODE mode, bool bugcheck_on_failure) {
  Kernel& kernel = current();
  std::byte* base = nullptr;
  if (!kernel.injected_failure(index) && pages_of(*mdl) != 0) {
    base = where_contiguous(mdl);
    if (base == nullptr) base = kernel.memory().map_pages({MmGetMdlPfnArray(mdl), pages_of(*mdl)});
  }
  if (base == nullptr) {
    // 0x1: could not map, no free system PTEs [doc: NO_MORE_SYSTEM_PTES is 0x3F]; the pages mattered, not their number.
    if (bugcheck_on_failure) kernel.bugcheck(0x3F, {0, pages_of(*mdl), 0, 0});
    return nullptr;
  }
  PVOID mapped = base + mdl->ByteOffset;
  if (mode == KernelMode) {
    mdl->MappedSystemVa = mapped;
    mdl->MdlFlags |= MDL_MAPPED_TO_SYSTEM_VA;
    if ((mdl->MdlFlags & MDL_PARTIAL) != 0) mdl->MdlFlags |= MDL_PARTIAL_HAS_BEEN_MAPPED;
  }
  return mapped;
}

PMDL new_mdl(PVOID address, std::size_t length) {
  const std::size_t pages = ADDRESS_AND_SIZE_TO_SPAN_PAGES(address, length);
  const std::size_t bytes = sizeof(MDL) + pages * sizeof(PFN_NUMBER);
  if (pages > mdl_pages_limit) return nullptr;
  Kernel& kernel = current();
  BlockRequest request;
  request.image = kernel.image();
  request.tag = mdl_tag;
  request.bytes = bytes;
  auto* mdl = reinterpret_cast<PMDL>(kernel.pool().allocate(request));
  if (mdl == nullptr) return nullptr;
  std::memset(mdl, 0, bytes);
  MmInitializeMdl(mdl, address, length);
  mdl->MdlFlags = MDL_ALLOCATED_FIXED_SIZE;
  return mdl;
}

/// Pages go in the pieces in which they came; the array is the driver's, so it is looked at with care. The number of
/// page frames that are none of ours.
std::size_t give_back_pieces(const MDL* mdl, std::size_t pages, Pool::Reuse reuse) {
  Kernel& kernel = current();
  const auto* pfns = reinterpret_cast<const PFN_NUMBER*>(mdl + 1);
  std::size_t wrong = 0;
  for (std::size_t i = 0; i < pages;) {
    std::byte* page = kernel.memory().address_of(pfns[i]);
    const Block* block = page == nullptr ? nullptr : kernel.pool().block_at(page);
    if (block == nullptr || block->kind != BlockKind::pages) {
      ++wrong;
      ++i;
      continue;
    }
    i += block->pages;
    kernel.pool().free(page, reuse);
  }
  return wrong;
}

PMDL allocate_pages(std::size_t index, PHYSICAL_ADDRESS low, PHYSICAL_ADDRESS high, PHYSICAL_ADDRESS skip, SIZE_T bytes,
                    ULONG flags) {
  Kernel& kernel = current();
  const std::size_t pages = (bytes + page_size - 1) >> page_shift;
  kernel.pool_call(index);
  if (kernel.injected_failure(index) || pages == 0 || pages > mdl_pages_limit) return nullptr;
  PMDL mdl = new_mdl(nullptr, pages * page_size);
  if (mdl == nullptr) return nullptr;
  Pfn lowest = static_cast<std::uint64_t>(low.QuadPart) >> page_shift;
  Pfn highest = static_cast<std::uint64_t>(high.QuadPart) >> page_shift;
  BlockRequest request;
  request.kind = BlockKind::pages;
  request.image = kernel.image();
  request.tag = mdl_tag;
  std::size_t got = 0;
  // In as few pieces as there is room for: one, if that can be, else what halving the piece finds.
  const auto take = [&](std::size_t count) {
    request.bytes = count * page_size;
    const std::byte* piece = kernel.pool().allocate_contiguous(request, lowest, highest, 0);
    if (piece == nullptr) return false;
    for (std::size_t i = 0; i < count; ++i) {
      MmGetMdlPfnArray(mdl)[got++] = kernel.memory().pfn_of(piece + i * page_size);
    }
    return true;
  };
  for (;;) {
    for (std::size_t piece = pages - got; piece != 0 && got < pages;) {
      piece = std::min(piece, pages - got);
      if (!take(piece)) piece /= 2;
    }
    // Each round goes on SkipBytes higher [doc]; 0 means one round.
    const std::uint64_t step = static_cast<std::uint64_t>(skip.QuadPart) >> page_shift;
    if (got == pages || step == 0 || lowest > kernel.memory().first_arena_pfn() + machine::arena_bytes / page_size)
      break;
    lowest += step;
    highest += step;
  }
  // Fewer pages than asked for are a success unless the flag says otherwise [doc].
  if (got == 0 || (got < pages && (flags & MM_ALLOCATE_FULLY_REQUIRED) != 0)) {
    give_back_pieces(mdl, got, Pool::Reuse::at_once);
    kernel.pool().free(reinterpret_cast<std::byte*>(mdl), Pool::Reuse::at_once);
    return nullptr;
  }
  mdl->ByteCount = static_cast<ULONG>(got * page_size);
  mdl->MdlFlags |= MDL_PAGES_LOCKED;
  return mdl;
}

}  // namespace

SIZE_T MmSizeOfMdl(PVOID Base, SIZE_T Length) {
  const std::size_t offset = reinterpret_cast<std::uintptr_t>(Base) % page_size;
  return sizeof(MDL) + ((offset + Length + page_size - 1) >> page_shift) * sizeof(PFN_NUMBER);
}

// An IRP's first MDL, or behind those it has when SecondaryBuffer is set [doc].
PMDL IoAllocateMdl(PVOID VirtualAddress, ULONG Length, BOOLEAN SecondaryBuffer, BOOLEAN, PIRP Irp) {
  if (current().injected_failure(export_index::IoAllocateMdl)) return nullptr;
  PMDL mdl = new_mdl(VirtualAddress, Length);
  if (mdl == nullptr || Irp == nullptr) return mdl;
  if (SecondaryBuffer) {
    PMDL* last = &Irp->MdlAddress;
    while (*last != nullptr) last = &(*last)->Next;
    *last = mdl;
  } else {
    Irp->MdlAddress = mdl;
  }
  return mdl;
}

VOID IoFreeMdl(PMDL Mdl) {
  Kernel& kernel = current();
  const Block* block = kernel.pool().block_at(Mdl);
  if (block == nullptr || block->tag != mdl_tag) {
    kernel.violate(trace::Rule::pool_bad_free, "IoFreeMdl: not an MDL from IoAllocateMdl, or freed before");
    return;
  }
  // A partial MDL's own mapping goes with it [doc].
  if ((Mdl->MdlFlags & MDL_PARTIAL_HAS_BEEN_MAPPED) != 0) kernel::MmUnmapLockedPages(Mdl->MappedSystemVa, Mdl);
  kernel.pool().free(reinterpret_cast<std::byte*>(Mdl));
}

VOID IoBuildPartialMdl(PMDL SourceMdl, PMDL TargetMdl, PVOID VirtualAddress, ULONG Length) {
  auto* const source_start = static_cast<std::byte*>(SourceMdl->StartVa);
  auto* const at = static_cast<std::byte*>(VirtualAddress);
  const std::size_t offset = static_cast<std::size_t>(at - source_start);  // from the first described page
  const std::size_t end = SourceMdl->ByteOffset + static_cast<std::size_t>(SourceMdl->ByteCount);
  if (Length == 0) Length = static_cast<ULONG>(end - offset);  // the rest of it [doc]
  TargetMdl->StartVa = PAGE_ALIGN(VirtualAddress);
  TargetMdl->ByteOffset = BYTE_OFFSET(VirtualAddress);
  TargetMdl->ByteCount = Length;
  TargetMdl->Process = SourceMdl->Process;
  const std::size_t pages = pages_of(*TargetMdl);
  // Size has 16 bits and wraps for large buffers, as on Windows; the block's own size does not.
  const Block* block = current().pool().block_at(TargetMdl);
  const std::size_t bytes = block != nullptr ? block->bytes : static_cast<USHORT>(TargetMdl->Size);
  const std::size_t room = (bytes - sizeof(MDL)) / sizeof(PFN_NUMBER);
  if (pages > room) current().bugcheck(0x12, {offset, Length, pages, room});  // TRAP_CAUSE_UNKNOWN [assumed]
  const CSHORT kept = MDL_ALLOCATED_FIXED_SIZE | MDL_ALLOCATED_MUST_SUCCEED;
  const CSHORT inherited = MDL_SOURCE_IS_NONPAGED_POOL | MDL_MAPPED_TO_SYSTEM_VA | MDL_IO_SPACE;
  TargetMdl->MdlFlags =
      static_cast<CSHORT>((TargetMdl->MdlFlags & kept) | (SourceMdl->MdlFlags & inherited) | MDL_PARTIAL);
  if ((SourceMdl->MdlFlags & MDL_MAPPED_TO_SYSTEM_VA) != 0) TargetMdl->MdlFlags |= MDL_PARENT_MAPPED_SYSTEM_VA;
  TargetMdl->MappedSystemVa = static_cast<std::byte*>(SourceMdl->MappedSystemVa) + (offset - SourceMdl->ByteOffset);
  std::memcpy(MmGetMdlPfnArray(TargetMdl), MmGetMdlPfnArray(SourceMdl) + (offset >> page_shift),
              pages * sizeof(PFN_NUMBER));
}

// Nonpaged memory has its address already: MappedSystemVa is where the buffer lies, and only this flag is added [doc].
VOID MmBuildMdlForNonPagedPool(PMDL MemoryDescriptorList) {
  fill_pfns(MemoryDescriptorList);
  MemoryDescriptorList->MappedSystemVa =
      static_cast<std::byte*>(MemoryDescriptorList->StartVa) + MemoryDescriptorList->ByteOffset;
  MemoryDescriptorList->Process = nullptr;
  MemoryDescriptorList->MdlFlags |= MDL_SOURCE_IS_NONPAGED_POOL;
}

// All pages or none: what raises has locked nothing [doc].
NTSTATUS probe_and_lock(PMDL mdl, KPROCESSOR_MODE mode, LOCK_OPERATION operation) {
  const machine::PhysicalMemory& memory = current().memory();
  const auto* at = static_cast<const std::byte*>(mdl->StartVa);
  for (std::size_t i = 0, pages = pages_of(*mdl); i < pages; ++i, at += page_size) {
    const bool there = operation == IoReadAccess ? memory.is_readable(at) : memory.is_writable(at);
    if (!there || (mode != KernelMode && !is_user_address(number_of(at)))) return STATUS_ACCESS_VIOLATION;
  }
  fill_pfns(mdl);
  mdl->Process = nullptr;
  mdl->MdlFlags |= MDL_PAGES_LOCKED;
  if (operation != IoReadAccess) mdl->MdlFlags |= MDL_WRITE_OPERATION;
  for_each_paged_block(*mdl, [](auto& sections, auto& row) { sections.lock(row); });
  return STATUS_SUCCESS;
}

VOID MmProbeAndLockPages(PMDL MemoryDescriptorList, KPROCESSOR_MODE AccessMode, LOCK_OPERATION Operation) {
  const NTSTATUS status = probe_and_lock(MemoryDescriptorList, AccessMode, Operation);
  if (!NT_SUCCESS(status)) raise_status(current(), status);
}

VOID MmUnlockPages(PMDL MemoryDescriptorList) {
  for_each_paged_block(*MemoryDescriptorList, [](auto& sections, auto& row) { sections.unlock(row); });
  if ((MemoryDescriptorList->MdlFlags & MDL_MAPPED_TO_SYSTEM_VA) != 0) {
    kernel::MmUnmapLockedPages(MemoryDescriptorList->MappedSystemVa, MemoryDescriptorList);
  }
  MemoryDescriptorList->MdlFlags &= static_cast<CSHORT>(~(MDL_PAGES_LOCKED | MDL_WRITE_OPERATION));
}

PVOID MmMapLockedPages(PMDL MemoryDescriptorList, KPROCESSOR_MODE AccessMode) {
  return map(export_index::MmMapLockedPages, MemoryDescriptorList, AccessMode, true);
}

PVOID MmMapLockedPagesSpecifyCache(PMDL MemoryDescriptorList, KPROCESSOR_MODE AccessMode, MEMORY_CACHING_TYPE, PVOID,
                                   ULONG BugCheckOnFailure, ULONG) {
  return map(export_index::MmMapLockedPagesSpecifyCache, MemoryDescriptorList, AccessMode, BugCheckOnFailure != FALSE);
}

VOID MmUnmapLockedPages(PVOID BaseAddress, PMDL MemoryDescriptorList) {
  machine::PhysicalMemory& memory = current().memory();
  if (memory.region_of(BaseAddress) == machine::PhysicalMemory::Region::mapping) {
    memory.unmap_pages(static_cast<std::byte*>(PAGE_ALIGN(BaseAddress)), pages_of(*MemoryDescriptorList));
  }
  MemoryDescriptorList->MdlFlags &=
      static_cast<CSHORT>(~(MDL_MAPPED_TO_SYSTEM_VA | MDL_PARTIAL_HAS_BEEN_MAPPED | MDL_PARENT_MAPPED_SYSTEM_VA));
}

PMDL MmAllocatePagesForMdl(PHYSICAL_ADDRESS LowAddress, PHYSICAL_ADDRESS HighAddress, PHYSICAL_ADDRESS SkipBytes,
                           SIZE_T TotalBytes) {
  return allocate_pages(export_index::MmAllocatePagesForMdl, LowAddress, HighAddress, SkipBytes, TotalBytes, 0);
}

PMDL MmAllocatePagesForMdlEx(PHYSICAL_ADDRESS LowAddress, PHYSICAL_ADDRESS HighAddress, PHYSICAL_ADDRESS SkipBytes,
                             SIZE_T TotalBytes, MEMORY_CACHING_TYPE, ULONG Flags) {
  return allocate_pages(export_index::MmAllocatePagesForMdlEx, LowAddress, HighAddress, SkipBytes, TotalBytes, Flags);
}

VOID MmFreePagesFromMdl(PMDL MemoryDescriptorList) {
  Kernel& kernel = current();
  kernel.pool_call(export_index::MmFreePagesFromMdl);
  const std::size_t pages = pages_of(*MemoryDescriptorList);
  const std::size_t wrong = give_back_pieces(MemoryDescriptorList, pages, Pool::Reuse::late);
  MemoryDescriptorList->MdlFlags &= static_cast<CSHORT>(~MDL_PAGES_LOCKED);
  if (wrong == 0) return;
  char text[160];
  Line line(text);
  line.put("MmFreePagesFromMdl: ");
  line.put_decimal(wrong);
  line.put(" of the MDL's ");
  line.put_decimal(pages);
  line.put(" page frames are not of MmAllocatePagesForMdl, or were freed before");
  kernel.violate(trace::Rule::pool_bad_free, line.text());
}

}  // namespace dumpsim::kernel
