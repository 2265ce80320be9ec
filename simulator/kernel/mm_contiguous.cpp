// SPDX-License-Identifier: Apache-2.0
// Physically contiguous memory: whole pages of the arena with consecutive PFNs. The arena lies above all RAM, so an
// upper limit below the machine's memory size fails here as it does on a Windows whose low memory is used up.
#include <algorithm>

#include "kernel/exports.hpp"
#include "kernel/kernel.hpp"
#include "kernel/line.hpp"
//
#include "kernel/ddi.hpp"

namespace dumpsim::kernel {
namespace {

PVOID allocate(std::size_t index, SIZE_T bytes, PHYSICAL_ADDRESS lowest, PHYSICAL_ADDRESS highest,
               PHYSICAL_ADDRESS boundary, bool executable) {
  Kernel& kernel = current();
  kernel.pool_call(index);
  const auto low = static_cast<std::uint64_t>(lowest.QuadPart);
  const auto high = static_cast<std::uint64_t>(highest.QuadPart);
  const auto multiple = static_cast<std::uint64_t>(boundary.QuadPart);
  // A boundary is a power of two and at least a page, or 0 [doc: "if the value is 0, no boundary"].
  if (kernel.injected_failure(index) || low > high || (multiple & (multiple - 1)) != 0) return nullptr;
  BlockRequest request;
  request.kind = BlockKind::contiguous;
  request.executable = executable;
  request.image = kernel.image();
  request.bytes = bytes;
  const std::uint64_t pages = multiple == 0 ? 0 : std::max<std::uint64_t>(multiple >> page_shift, 1);
  // The last page must end at or below the highest acceptable address.
  const Pfn end = (high == ~std::uint64_t{0} ? high : high + 1) >> page_shift;
  if (end == 0) return nullptr;
  return kernel.pool().allocate_contiguous(request, (low + page_size - 1) >> page_shift, end - 1, pages);
}

void free(std::size_t index, PVOID at, SIZE_T bytes) {
  Kernel& kernel = current();
  kernel.pool_call(index);
  char text[224];
  Line line(text);
  const Block* block = kernel.pool().block_at(at);
  line.put(all_exports()[index].name);
  line.put(": ");
  if (block == nullptr || block->kind != BlockKind::contiguous) {
    const std::byte* start = nullptr;
    const Block* freed = kernel.pool().freed_containing(at, start);
    const bool twice = freed != nullptr && start == at && freed->kind == BlockKind::contiguous;
    line.put(twice ? "freed before: " : "not the start of contiguous memory: ");
    line.skip(kernel.words(at, line.rest(), Words::canonical));
    kernel.violate(twice ? trace::Rule::pool_double_free : trace::Rule::pool_bad_free, line.text());
    return;
  }
  if (bytes != 0 && bytes != block->bytes) {
    line.skip(kernel.words(at, line.rest(), Words::canonical));
    line.put(" has ");
    line.put_decimal(block->bytes);
    line.put(" bytes, not ");
    line.put_decimal(bytes);
    kernel.violate(trace::Rule::pool_bad_free, line.text());
  }
  kernel.pool().free(static_cast<std::byte*>(at));
}

PHYSICAL_ADDRESS physical(LONGLONG address) {
  PHYSICAL_ADDRESS result;
  result.QuadPart = address;
  return result;
}

}  // namespace

PVOID MmAllocateContiguousMemory(SIZE_T NumberOfBytes, PHYSICAL_ADDRESS HighestAcceptableAddress) {
  return allocate(export_index::MmAllocateContiguousMemory, NumberOfBytes, physical(0), HighestAcceptableAddress,
                  physical(0), true);
}

PVOID MmAllocateContiguousMemorySpecifyCache(SIZE_T NumberOfBytes, PHYSICAL_ADDRESS LowestAcceptableAddress,
                                             PHYSICAL_ADDRESS HighestAcceptableAddress,
                                             PHYSICAL_ADDRESS BoundaryAddressMultiple, MEMORY_CACHING_TYPE) {
  return allocate(export_index::MmAllocateContiguousMemorySpecifyCache, NumberOfBytes, LowestAcceptableAddress,
                  HighestAcceptableAddress, BoundaryAddressMultiple, true);
}

PVOID MmAllocateContiguousMemorySpecifyCacheNode(SIZE_T NumberOfBytes, PHYSICAL_ADDRESS LowestAcceptableAddress,
                                                 PHYSICAL_ADDRESS HighestAcceptableAddress,
                                                 PHYSICAL_ADDRESS BoundaryAddressMultiple, MEMORY_CACHING_TYPE,
                                                 NODE_REQUIREMENT) {
  return allocate(export_index::MmAllocateContiguousMemorySpecifyCacheNode, NumberOfBytes, LowestAcceptableAddress,
                  HighestAcceptableAddress, BoundaryAddressMultiple, true);
}

// Exactly one of the two protections, with at most one caching attribute [doc].
PVOID MmAllocateContiguousNodeMemory(SIZE_T NumberOfBytes, PHYSICAL_ADDRESS LowestAcceptableAddress,
                                     PHYSICAL_ADDRESS HighestAcceptableAddress,
                                     PHYSICAL_ADDRESS BoundaryAddressMultiple, ULONG Protect, NODE_REQUIREMENT) {
  const ULONG access = Protect & ~static_cast<ULONG>(PAGE_NOCACHE | PAGE_WRITECOMBINE);
  const bool both = (Protect & PAGE_NOCACHE) != 0 && (Protect & PAGE_WRITECOMBINE) != 0;
  if ((access != PAGE_READWRITE && access != PAGE_EXECUTE_READWRITE) || both) return nullptr;
  if (access == PAGE_EXECUTE_READWRITE) {
    current().violate(trace::Rule::pool_executable, "MmAllocateContiguousNodeMemory with PAGE_EXECUTE_READWRITE");
  }
  return allocate(export_index::MmAllocateContiguousNodeMemory, NumberOfBytes, LowestAcceptableAddress,
                  HighestAcceptableAddress, BoundaryAddressMultiple, access == PAGE_EXECUTE_READWRITE);
}

VOID MmFreeContiguousMemory(PVOID BaseAddress) {
  free(export_index::MmFreeContiguousMemory, BaseAddress, 0);
}

VOID MmFreeContiguousMemorySpecifyCache(PVOID BaseAddress, SIZE_T NumberOfBytes, MEMORY_CACHING_TYPE) {
  free(export_index::MmFreeContiguousMemorySpecifyCache, BaseAddress, NumberOfBytes);
}

PVOID MmAllocateNonCachedMemory(SIZE_T NumberOfBytes) {
  return allocate(export_index::MmAllocateNonCachedMemory, NumberOfBytes, physical(0), physical(-1), physical(0),
                  false);
}

VOID MmFreeNonCachedMemory(PVOID BaseAddress, SIZE_T NumberOfBytes) {
  free(export_index::MmFreeNonCachedMemory, BaseAddress, NumberOfBytes);
}

}  // namespace dumpsim::kernel
