// SPDX-License-Identifier: Apache-2.0
// Pool as drivers see it. Every failure is the documented one: NULL, or an exception where asked for, which in a dump
// filter nobody handles and so ends in a bug check. Freeing wrongly is reported and then ignored, where Windows would
// stop with BAD_POOL_CALLER: one run then shows all such mistakes instead of the first.
#include "kernel/exports.hpp"
#include "kernel/kernel.hpp"
#include "kernel/line.hpp"
//
#include "kernel/ddi.hpp"

namespace dumpsim::kernel {
namespace {

constexpr ULONG default_tag = 0x656E6F4E;  // "None", what ExAllocatePool gives [doc]
constexpr ULONG cache_aligned_bit = 4;
constexpr ULONG pool_type_base = 0x7 | 32;  // paged bit, cache-aligned bit, session bit

/// Paged pool is for APC_LEVEL at most [doc]; from above DISPATCH_LEVEL the call itself is reported already.
void require_paged_level(Kernel& kernel, std::size_t index) {
  if (kernel.machine().processor.irql == DISPATCH_LEVEL) kernel.require_irql(index, APC_LEVEL);
}

/// What says nothing of whose it is: no tag, or what the headers' macros put there.
bool is_default_tag(ULONG tag) {
  constexpr ULONG wdm = 0x206D6457;  // "Wdm "
  constexpr ULONG ddk = 0x206B6444;  // "Ddk "
  return tag == 0 || tag == default_tag || tag == wdm || tag == ddk;
}

void judge_request(std::size_t index, const BlockRequest& request) {
  Kernel& kernel = current();
  if (!is_default_tag(request.tag) && !request.executable) return;
  char text[160];
  Line line(text);
  line.put(all_exports()[index].name);
  line.put(": ");
  line.put_decimal(request.bytes);
  line.put(" bytes");
  if (request.executable) {
    const std::size_t size = line.size();
    line.put(" of executable pool");
    kernel.violate(trace::Rule::pool_executable, line.text());
    line.cut(size);
  }
  if (!is_default_tag(request.tag)) return;
  line.put(request.tag == 0 ? " with no tag" : " with the tag ");
  if (request.tag != 0) line.put_tag(request.tag);
  kernel.violate(trace::Rule::pool_default_tag, line.text());
}

PVOID allocate(std::size_t index, BlockRequest request, bool raise) {
  Kernel& kernel = current();
  kernel.pool_call(index);
  if (request.paged) require_paged_level(kernel, index);
  judge_request(index, request);
  request.image = kernel.image();
  std::byte* at = kernel.injected_failure(index) ? nullptr : kernel.pool().allocate(request);
  if (at == nullptr && raise) kernel::ExRaiseStatus(STATUS_INSUFFICIENT_RESOURCES);
  return at;
}

PVOID allocate_typed(std::size_t index, POOL_TYPE type, SIZE_T bytes, ULONG tag, bool raise) {
  const auto bits = static_cast<ULONG>(type);
  BlockRequest request;
  request.paged = (bits & pool_type_base & 1) != 0;
  request.executable = !request.paged && (bits & POOL_NX_ALLOCATION) == 0;
  request.cache_aligned = (bits & cache_aligned_bit) != 0;
  request.zero = (bits & POOL_ZERO_ALLOCATION) != 0 && current().config().build >= 19041;
  request.tag = tag;
  request.bytes = bytes;
  return allocate(index, request, raise || (bits & POOL_RAISE_IF_ALLOCATION_FAILURE) != 0);
}

void free_block(std::size_t index, PVOID at, ULONG tag, bool tag_given) {
  Kernel& kernel = current();
  char text[224];
  Line line(text);
  const std::uint64_t address = reinterpret_cast<std::uintptr_t>(at);
  kernel.pool_call(index);
  const Block* block = kernel.pool().block_at(at);
  if (block == nullptr || block->kind != BlockKind::pool) {
    const std::byte* start = nullptr;
    const Block* freed = kernel.pool().freed_containing(at, start);
    const bool twice = freed != nullptr && start == at && freed->kind == BlockKind::pool;
    line.put(all_exports()[index].name);
    line.put(twice ? ": freed before: " : ": not the start of a pool block: ");
    line.skip(kernel.words(at, line.rest(), Words::canonical));
    // Parameter 1: 7 is freed already, 0x46 no pool address [doc].
    if (twice) {
      kernel.bad_pool_caller(trace::Rule::pool_double_free, line.text(), {0x7, 0, 0, address});
    } else {
      kernel.bad_pool_caller(trace::Rule::pool_bad_free, line.text(), {0x46, address, 0, 0});
    }
    return;
  }
  if (block->paged) require_paged_level(kernel, index);
  // The tag's top bit only says that freeing must name it [doc].
  constexpr ULONG protected_pool = 0x80000000;
  const bool must_name = (block->tag & protected_pool) != 0;
  if ((tag_given && tag != 0 && tag != block->tag) || (must_name && (!tag_given || tag != block->tag))) {
    line.put(all_exports()[index].name);
    line.put(": ");
    line.skip(kernel.words(at, line.rest(), Words::canonical));
    line.put(" was allocated with tag ");
    line.put_tag(block->tag & ~protected_pool);
    if (tag_given) {
      line.put(", not ");
      line.put_tag(tag & ~protected_pool);
    } else {
      line.put(", which protects it: free it with its tag");
    }
    kernel.bad_pool_caller(trace::Rule::pool_bad_free, line.text(), {0xA, address, block->tag, tag});  // [doc]
  }
  kernel.pool().free(static_cast<std::byte*>(at));
}

}  // namespace

PVOID ExAllocatePool(POOL_TYPE PoolType, SIZE_T NumberOfBytes) {
  return allocate_typed(export_index::ExAllocatePool, PoolType, NumberOfBytes, default_tag, false);
}

PVOID ExAllocatePoolWithTag(POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag) {
  return allocate_typed(export_index::ExAllocatePoolWithTag, PoolType, NumberOfBytes, Tag, false);
}

PVOID ExAllocatePoolWithTagPriority(POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag, EX_POOL_PRIORITY) {
  return allocate_typed(export_index::ExAllocatePoolWithTagPriority, PoolType, NumberOfBytes, Tag, false);
}

// The quota forms raise unless told not to [doc].
PVOID ExAllocatePoolWithQuotaTag(POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag) {
  const bool raise = (static_cast<ULONG>(PoolType) & POOL_QUOTA_FAIL_INSTEAD_OF_RAISE) == 0;
  return allocate_typed(export_index::ExAllocatePoolWithQuotaTag, PoolType, NumberOfBytes, Tag, raise);
}

PVOID ExAllocatePoolWithQuota(POOL_TYPE PoolType, SIZE_T NumberOfBytes) {
  const bool raise = (static_cast<ULONG>(PoolType) & POOL_QUOTA_FAIL_INSTEAD_OF_RAISE) == 0;
  return allocate_typed(export_index::ExAllocatePoolWithQuota, PoolType, NumberOfBytes, default_tag, raise);
}

// Zeroed unless POOL_FLAG_UNINITIALIZED; NULL for no tag, no bytes, no or several kinds of pool, and required flags
// that are not known; unknown optional flags (the upper half) are ignored [doc].
PVOID ExAllocatePool2(POOL_FLAGS Flags, SIZE_T NumberOfBytes, ULONG Tag) {
  constexpr POOL_FLAGS kinds = POOL_FLAG_NON_PAGED | POOL_FLAG_NON_PAGED_EXECUTE | POOL_FLAG_PAGED;
  constexpr POOL_FLAGS known = kinds | POOL_FLAG_USE_QUOTA | POOL_FLAG_UNINITIALIZED | POOL_FLAG_SESSION |
                               POOL_FLAG_CACHE_ALIGNED | POOL_FLAG_RAISE_ON_FAILURE;
  const POOL_FLAGS required = Flags & 0xFFFFFFFF;
  const POOL_FLAGS kind = Flags & kinds;
  const bool raise = (Flags & POOL_FLAG_RAISE_ON_FAILURE) != 0;
  if (kind == 0 || (kind & (kind - 1)) != 0 || (required & ~known) != 0 || Tag == 0 || NumberOfBytes == 0) {
    if (raise) kernel::ExRaiseStatus(STATUS_INVALID_PARAMETER);
    return nullptr;
  }
  BlockRequest request;
  request.paged = kind == POOL_FLAG_PAGED;
  request.executable = kind == POOL_FLAG_NON_PAGED_EXECUTE;
  request.cache_aligned = (Flags & POOL_FLAG_CACHE_ALIGNED) != 0;
  request.zero = (Flags & POOL_FLAG_UNINITIALIZED) == 0;
  request.tag = Tag;
  request.bytes = NumberOfBytes;
  return allocate(export_index::ExAllocatePool2, request, raise);
}

VOID ExFreePool(PVOID P) {
  free_block(export_index::ExFreePool, P, 0, false);
}

VOID ExFreePoolWithTag(PVOID P, ULONG Tag) {
  free_block(export_index::ExFreePoolWithTag, P, Tag, true);
}

VOID ExFreePool2(PVOID P, ULONG Tag, PCPOOL_EXTENDED_PARAMETER, ULONG) {
  free_block(export_index::ExFreePool2, P, Tag, true);
}

}  // namespace dumpsim::kernel
