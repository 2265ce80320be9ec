// SPDX-License-Identifier: Apache-2.0
#include "stack/transfer_mdl.hpp"

#include <cassert>
#include <cstring>

#include "wdk/ntddk.h"

namespace dumpsim::stack {
namespace {

// The MDL stands on a 64-byte line of its own behind the offset, as a separate allocation would.
constexpr std::size_t mdl_at = 64;

// A kernel-looking address at which nothing is mapped: what StartVa holds when it is stale [seen: VeraCrypt PR 1671].
constexpr std::uintptr_t stale_va = machine::arena_base - (std::uintptr_t{1} << 30);

}  // namespace

TransferMdl::TransferMdl(machine::PhysicalMemory& memory, std::uint64_t max_pages, Shape shape, bool mapped_va_at_page)
    : memory_(memory), shape_(shape), mapped_va_at_page_(mapped_va_at_page), capacity_(max_pages + 1) {
  const std::size_t bytes = mdl_at + sizeof(MDL) + capacity_ * sizeof(std::uint64_t);
  pages_ = (bytes + page_size - 1) / page_size;
  block_ = memory_.allocate_pages(pages_, true);
  assert(block_ != nullptr);
  offset_ = reinterpret_cast<std::int64_t*>(block_);
  mdl_ = reinterpret_cast<MDL*>(block_ + mdl_at);
}

TransferMdl::~TransferMdl() {
  memory_.free_pages(block_, pages_, true);
}

void TransferMdl::describe(const std::byte* va, std::uint32_t length, PartitionOffset at) {
  const auto address = reinterpret_cast<std::uintptr_t>(va);
  const std::uintptr_t page = address & ~(page_size - 1);
  const auto byte_offset = static_cast<ULONG>(address - page);
  const std::size_t pages = (byte_offset + std::uint64_t{length} + page_size - 1) / page_size;
  assert(pages <= capacity_);
  mdl_->Next = nullptr;
  mdl_->Size = static_cast<CSHORT>(sizeof(MDL) + capacity_ * sizeof(std::uint64_t));
  mdl_->MdlFlags = static_cast<CSHORT>(MDL_MAPPED_TO_SYSTEM_VA |
                                       (shape_ == Shape::nonpaged ? MDL_SOURCE_IS_NONPAGED_POOL : MDL_PAGES_LOCKED));
  mdl_->Process = nullptr;
  mdl_->MappedSystemVa = reinterpret_cast<PVOID>(mapped_va_at_page_ ? page : address);
  mdl_->StartVa = reinterpret_cast<PVOID>(shape_ == Shape::mapped_stale_startva ? stale_va : page);
  mdl_->ByteCount = length;
  mdl_->ByteOffset = byte_offset;
  auto* pfns = reinterpret_cast<std::uint64_t*>(mdl_ + 1);
  for (std::size_t i = 0; i < pages; ++i) {
    pfns[i] = memory_.pfn_of(reinterpret_cast<const void*>(page + i * page_size));
  }
  std::memset(pfns + pages, 0, (capacity_ - pages) * sizeof(std::uint64_t));
  *offset_ = static_cast<std::int64_t>(at.bytes);
}

}  // namespace dumpsim::stack
