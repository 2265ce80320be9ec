// SPDX-License-Identifier: Apache-2.0
#include "stack/transfer_mdl.hpp"

#include <cassert>
#include <cstring>
#include <vector>

#include "wdk/ntddk.h"

namespace dumpsim::stack {
namespace {

// The MDL stands on a 64-byte line of its own behind the offset, as a separate allocation would.
constexpr std::size_t mdl_at = 64;

// Kernel-looking addresses at which nothing is mapped, a GiB each: what StartVa holds when it is stale [seen: VeraCrypt
// PR 1671], and what an MDL's addresses are after its transfer.
constexpr std::uintptr_t nowhere_bytes = std::uintptr_t{1} << 30;
constexpr std::uintptr_t stale_va = machine::arena_base - nowhere_bytes;
constexpr std::uintptr_t retired_va = stale_va - nowhere_bytes;

// Where in a page a shape with a ByteOffset puts its bytes.
constexpr std::size_t shape_offset = 0x200;

bool within(const void* address, std::uintptr_t first) {
  return reinterpret_cast<std::uintptr_t>(address) - first < nowhere_bytes;
}

}  // namespace

TransferMdl::TransferMdl(machine::PhysicalMemory& memory, std::uint64_t max_pages, Shape shape, bool mapped_va_at_page)
    : memory_(memory), shape_(shape), mapped_va_at_page_(mapped_va_at_page), capacity_(max_pages + 1) {
  const std::size_t bytes = mdl_at + sizeof(MDL) + capacity_ * sizeof(std::uint64_t);
  pages_ = (bytes + page_size - 1) / page_size;
  block_ = memory_.allocate_pages(pages_, true);
  assert(block_ != nullptr);
  offset_ = reinterpret_cast<std::int64_t*>(block_);
  mdl_ = reinterpret_cast<MDL*>(block_ + mdl_at);
  if (!copies()) return;
  pages_of_copy_ = copy_ = memory_.allocate_pages(capacity_, true);
  assert(copy_ != nullptr);
  if (shape_ != Shape::discontiguous) return;
  std::vector<Pfn> backwards;
  for (std::size_t i = capacity_; i-- > 0;) backwards.push_back(memory_.pfn_of(pages_of_copy_ + i * page_size));
  copy_ = memory_.map_pages(backwards);
  assert(copy_ != nullptr);
}

TransferMdl::~TransferMdl() {
  if (copy_ != pages_of_copy_) memory_.unmap_pages(copy_, capacity_);
  if (pages_of_copy_ != nullptr) memory_.free_pages(pages_of_copy_, capacity_, true);
  memory_.free_pages(block_, pages_, true);
}

void TransferMdl::describe_write(const std::byte* va, std::uint32_t length, PartitionOffset at) {
  if (!copies()) return describe(va, length, at, shape_);
  std::byte* to = copy_ + (shape_ == Shape::discontiguous ? 0 : shape_offset);
  std::memcpy(to, va, length);
  source_ = va;
  source_bytes_ = length;
  describe(to, length, at, Shape::mapped);
}

void TransferMdl::describe_read(const std::byte* va, std::uint32_t length, PartitionOffset at) {
  source_bytes_ = 0;
  describe(va, length, at, shape_ <= Shape::mapped_stale_startva ? shape_ : Shape::mapped);
}

bool TransferMdl::compare_copy() const {
  return std::memcmp(copied(), source_, source_bytes_) != 0;
}

trace::ChangedBytes TransferMdl::change_of_copy() const {
  return trace::first_change(trace::Held::write_data, {source_, source_bytes_}, {copied(), source_bytes_});
}

const std::byte* TransferMdl::copied() const {
  return copy_ + (shape_ == Shape::discontiguous ? 0 : shape_offset);
}

bool TransferMdl::is_stale_start(const void* address) {
  return within(address, stale_va);
}

bool TransferMdl::is_retired(const void* address) {
  return within(address, retired_va);
}

void TransferMdl::describe(const std::byte* va, std::uint32_t length, PartitionOffset at, Shape shape) {
  const auto address = reinterpret_cast<std::uintptr_t>(va);
  const std::uintptr_t page = address & ~(page_size - 1);
  const auto byte_offset = static_cast<ULONG>(address - page);
  const std::size_t pages = (byte_offset + std::uint64_t{length} + page_size - 1) / page_size;
  assert(pages <= capacity_);
  if (shape != Shape::reused || !built_) {
    mdl_->Next = nullptr;
    mdl_->Size = static_cast<CSHORT>(sizeof(MDL) + capacity_ * sizeof(std::uint64_t));
    mdl_->MdlFlags = static_cast<CSHORT>(
        shape == Shape::unmapped ? MDL_PAGES_LOCKED
                                 : MDL_MAPPED_TO_SYSTEM_VA |
                                       (shape == Shape::nonpaged || shape == Shape::reused ? MDL_SOURCE_IS_NONPAGED_POOL
                                                                                           : MDL_PAGES_LOCKED));
    mdl_->Process = nullptr;
    built_ = true;
  }
  mdl_->MappedSystemVa = shape == Shape::unmapped ? reinterpret_cast<PVOID>(stale_va)
                                                  : reinterpret_cast<PVOID>(mapped_va_at_page_ ? page : address);
  mdl_->StartVa = reinterpret_cast<PVOID>(shape == Shape::mapped_stale_startva ? stale_va : page);
  mdl_->ByteCount = length;
  mdl_->ByteOffset = byte_offset;
  auto* pfns = reinterpret_cast<std::uint64_t*>(mdl_ + 1);
  for (std::size_t i = 0; i < pages; ++i) {
    pfns[i] = memory_.pfn_of(reinterpret_cast<const void*>(page + i * page_size));
  }
  std::memset(pfns + pages, 0, (capacity_ - pages) * sizeof(std::uint64_t));
  *offset_ = static_cast<std::int64_t>(at.bytes);
}

void TransferMdl::retire() {
  mdl_->MappedSystemVa = mdl_->StartVa = reinterpret_cast<PVOID>(retired_va);
  source_bytes_ = 0;
}

}  // namespace dumpsim::stack
