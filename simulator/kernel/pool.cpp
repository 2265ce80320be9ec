// SPDX-License-Identifier: Apache-2.0
// The allocator behind ExAllocatePool* and MmAllocateContiguousMemory*. Small blocks are cut from single pages of one
// size class, because Windows promises that an allocation below a page does not cross one; pages come in groups, so
// that a small allocation costs no system call.
#include "kernel/pool.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>

namespace dumpsim::kernel {
namespace {

// From 64 bytes on each is a multiple of 64: blocks then start on a cache line by themselves.
constexpr std::array<std::size_t, 13> class_bytes{16, 32, 48, 64, 128, 192, 256, 384, 512, 768, 1024, 1344, 2048};
constexpr std::size_t group_pages = 16;
constexpr std::size_t small_limit = class_bytes.back();

std::size_t class_of(std::size_t bytes) {
  return static_cast<std::size_t>(std::lower_bound(class_bytes.begin(), class_bytes.end(), bytes) -
                                  class_bytes.begin());
}

std::byte* pointer(std::uintptr_t address) {
  return reinterpret_cast<std::byte*>(address);
}
std::uintptr_t number(const void* address) {
  return reinterpret_cast<std::uintptr_t>(address);
}

const Block* containing(const std::map<std::uintptr_t, Block>& blocks, const void* address, const std::byte*& start) {
  auto behind = blocks.upper_bound(number(address));
  if (behind == blocks.begin()) return nullptr;
  --behind;
  if (number(address) - behind->first >= std::max<std::size_t>(behind->second.bytes, 1)) return nullptr;
  start = pointer(behind->first);
  return &behind->second;
}

}  // namespace

Pool::~Pool() {
  for (const auto& [at, block] : state_.live) {
    if (block.pages != 0) memory_.free_pages(pointer(at), block.pages, false);
  }
  for (const std::uintptr_t group : state_.groups) memory_.free_pages(pointer(group), group_pages, false);
}

std::byte* Pool::take_small(std::size_t size_class) {
  auto& free = state_.free_blocks[size_class];
  if (free.empty()) {
    if (state_.fresh_pages == 0) {
      std::byte* pages = memory_.allocate_pages(group_pages, false);
      if (pages == nullptr) return nullptr;
      state_.groups.push_back(number(pages));
      state_.fresh = number(pages);
      state_.fresh_pages = group_pages;
    }
    const std::size_t bytes = class_bytes[size_class];
    const std::size_t count = page_size / bytes;
    for (std::size_t i = count; i > 0; --i) free.push_back(state_.fresh + (i - 1) * bytes);
    state_.fresh += page_size;
    --state_.fresh_pages;
  }
  const std::uintptr_t at = free.back();
  free.pop_back();
  return pointer(at);
}

std::byte* Pool::enter(std::byte* at, const BlockRequest& request, std::size_t pages) {
  Block block;
  // What the system itself allocates has numbers of its own: a trace does not change with how many objects it makes.
  std::uint32_t& next = request.kind != BlockKind::pool    ? state_.next_contiguous
                        : request.image == trace::no_image ? state_.next_system
                                                           : state_.next_pool;
  block.id = next++;
  block.kind = request.kind;
  block.paged = request.paged;
  block.executable = request.executable;
  block.image = request.image;
  block.tag = request.tag;
  block.bytes = request.bytes;
  block.pages = pages;
  state_.bytes += request.bytes;
  // What was remembered of freed blocks is no longer true for this place.
  const std::uintptr_t end = number(at) + std::max<std::size_t>(request.bytes, pages * page_size);
  state_.freed.erase(state_.freed.lower_bound(number(at)), state_.freed.lower_bound(std::max(end, number(at) + 1)));
  state_.live.insert_or_assign(number(at), block);
  return at;
}

std::byte* Pool::allocate(const BlockRequest& request) {
  if (request.bytes > limit_ || state_.bytes > limit_ - request.bytes) return nullptr;
  if (request.bytes <= small_limit) {
    std::byte* at = take_small(class_of(request.bytes));
    if (at == nullptr) return nullptr;
    if (request.zero) std::memset(at, 0, request.bytes);
    return enter(at, request, 0);
  }
  const std::size_t pages = (request.bytes + page_size - 1) / page_size;
  std::byte* at = memory_.allocate_pages(pages, false);  // zeroed
  return at == nullptr ? nullptr : enter(at, request, pages);
}

std::byte* Pool::allocate_contiguous(const BlockRequest& request, Pfn lowest, Pfn highest, std::uint64_t boundary) {
  if (request.bytes == 0 || request.bytes > limit_ || state_.bytes > limit_ - request.bytes) return nullptr;
  const std::size_t pages = (request.bytes + page_size - 1) / page_size;
  std::byte* at = memory_.allocate_pages_within(pages, lowest, highest, boundary);
  return at == nullptr ? nullptr : enter(at, request, pages);
}

void Pool::free(std::byte* at) {
  const auto live = state_.live.find(number(at));
  assert(live != state_.live.end());
  const Block block = live->second;
  state_.live.erase(live);
  state_.bytes -= block.bytes;
  state_.freed.insert_or_assign(number(at), block);
  if (block.pages != 0) {
    memory_.free_pages(at, block.pages, false);
    return;
  }
  const std::size_t size_class = class_of(block.bytes);
  std::memset(at, static_cast<int>(freed_byte), class_bytes[size_class]);
  state_.free_blocks[size_class].push_back(number(at));
}

const Block* Pool::block_at(const void* at) const {
  const auto found = state_.live.find(number(at));
  return found == state_.live.end() ? nullptr : &found->second;
}

const Block* Pool::block_containing(const void* address, const std::byte*& start) const {
  return containing(state_.live, address, start);
}

const Block* Pool::freed_containing(const void* address, const std::byte*& start) const {
  return containing(state_.freed, address, start);
}

Pool::Outstanding Pool::outstanding(std::uint16_t image) const {
  Outstanding sum;
  for_each(image, [&](const std::byte*, const Block& block) {
    ++sum.blocks;
    sum.bytes += block.bytes;
  });
  return sum;
}

}  // namespace dumpsim::kernel
