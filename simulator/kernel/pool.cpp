// SPDX-License-Identifier: Apache-2.0
// The allocator behind ExAllocatePool*, MmAllocateContiguousMemory* and MmAllocatePagesForMdl. Without special pool
// small blocks are cut from single pages of one size class, because Windows promises that an allocation below a page
// does not cross one; pages come in groups, so that a small allocation costs no system call.
#include "kernel/pool.hpp"

#include <algorithm>
#include <cassert>
#include <cstdio>
#include <cstring>
#include <string>

namespace dumpsim::kernel {
namespace {

// From 64 bytes on each is a multiple of 64: blocks then start on a cache line by themselves.
constexpr std::array<std::size_t, 13> class_bytes{16, 32, 48, 64, 128, 192, 256, 384, 512, 768, 1024, 1344, 2048};
constexpr std::size_t group_pages = 16;
constexpr std::size_t small_limit = class_bytes.back();
constexpr std::size_t alignment = 16;
constexpr std::size_t cache_line = 64;
/// What is looked at after each callback, before and behind a block: what a loop that goes one too far hits.
constexpr std::size_t near_bytes = 16;

std::size_t class_of(std::size_t bytes) {
  return static_cast<std::size_t>(std::lower_bound(class_bytes.begin(), class_bytes.end(), bytes) -
                                  class_bytes.begin());
}

std::size_t bytes_for_class(std::size_t bytes, bool cache_aligned) {
  return cache_aligned ? std::max(bytes, cache_line) : bytes;
}

std::byte* pointer(std::uintptr_t address) {
  return reinterpret_cast<std::byte*>(address);
}
std::uintptr_t number(const void* address) {
  return reinterpret_cast<std::uintptr_t>(address);
}
std::uintptr_t page_of(std::uintptr_t address) {
  return address & ~(std::uintptr_t{page_size} - 1);
}

/// What stands beside a block: no byte is like its neighbour, so that no fill is mistaken for it.
constexpr std::array<std::uint8_t, 8> pattern{0xA6, 0x3B, 0xD1, 0x4E, 0x97, 0x62, 0xC5, 0x18};

void fill(std::uintptr_t from, std::uintptr_t to) {
  for (; from < to && from % pattern.size() != 0; ++from) *pointer(from) = std::byte{pattern[from % pattern.size()]};
  for (; from + pattern.size() <= to; from += pattern.size()) {
    std::memcpy(pointer(from), pattern.data(), pattern.size());
  }
  for (; from < to; ++from) *pointer(from) = std::byte{pattern[from % pattern.size()]};
}

bool is_intact(std::uintptr_t at) {
  return *pointer(at) == std::byte{pattern[at % pattern.size()]};
}

/// The bytes from `from` on beside what the pattern has there.
trace::ChangedBytes change_from(std::uintptr_t from, std::uintptr_t to, bool before_block, std::uintptr_t distance) {
  std::array<std::byte, trace::ChangedBytes::most> intact{};
  const std::size_t bytes = std::min<std::size_t>(intact.size(), to - from);
  for (std::size_t i = 0; i < bytes; ++i) intact[i] = std::byte{pattern[(from + i) % pattern.size()]};
  trace::ChangedBytes change = trace::beginnings(before_block ? trace::Held::before_block : trace::Held::behind_block,
                                                 std::span(intact).first(bytes), {pointer(from), bytes});
  change.at = static_cast<std::uint32_t>(distance);
  return change;
}

bool is_intact(std::uintptr_t from, std::uintptr_t to) {
  for (; from < to && from % pattern.size() != 0; ++from) {
    if (!is_intact(from)) return false;
  }
  for (; from + pattern.size() <= to; from += pattern.size()) {
    if (std::memcmp(pointer(from), pattern.data(), pattern.size()) != 0) return false;
  }
  for (; from < to; ++from) {
    if (!is_intact(from)) return false;
  }
  return true;
}

const Block* containing(const std::map<std::uintptr_t, Block>& blocks, const void* address, const std::byte*& start) {
  auto behind = blocks.upper_bound(number(address));
  if (behind == blocks.begin()) return nullptr;
  --behind;
  if (number(address) - behind->first >= std::max<std::size_t>(behind->second.bytes, 1)) return nullptr;
  start = pointer(behind->first);
  return &behind->second;
}

std::size_t count_guarded_blocks_of_host() {
  constexpr long kept = 8000;
  long most = 65530;
  if (std::FILE* file = std::fopen("/proc/sys/vm/max_map_count", "re"); file != nullptr) {
    if (std::fscanf(file, "%ld", &most) != 1) most = 65530;
    std::fclose(file);
  }
  return most <= kept ? 0 : static_cast<std::size_t>(most - kept) / 2;
}

}  // namespace

std::size_t guarded_blocks_of_host() {
  static const std::size_t most = count_guarded_blocks_of_host();
  return most;
}

Pool::Pool(machine::Machine& machine, const PoolOptions& options) : machine_(machine), options_(options) {
  if (options_.special == SpecialPool::off) return;
  options_.guarded_limit = std::min(options_.guarded_limit, guarded_blocks_of_host());
}

Pool::~Pool() {
  for (const auto& [at, block] : state_.live) {
    if (block.paged) machine_.sections.forget_pool(pointer(page_of(at)));
    if (block.pages != 0) machine_.memory.free_pages(pointer(page_of(at)), block.pages, block.guarded);
  }
  for (const std::uintptr_t at : state_.quarantine) {
    machine_.memory.release_pages(pointer(page_of(at)), state_.freed.at(at).pages, true);
  }
  for (const std::uintptr_t group : state_.groups) machine_.memory.free_pages(pointer(group), group_pages, false);
}

bool Pool::has_room(const BlockRequest& request) {
  std::uint64_t& used = state_.bytes_of[request.image];
  if (request.bytes <= options_.limit && used <= options_.limit - request.bytes) return true;
  if (options_.hooks.over_limit != nullptr) {
    options_.hooks.over_limit(options_.hooks.context, request.image, request.bytes);
  }
  return false;
}

bool Pool::may_guard() {
  if (options_.special == SpecialPool::off) return false;
  if (state_.guarded < options_.guarded_limit) return true;
  if (!state_.unguarded_told && options_.hooks.unguarded != nullptr) {
    state_.unguarded_told = true;
    options_.hooks.unguarded(options_.hooks.context, state_.guarded);
  }
  return false;
}

std::byte* Pool::take_guarded(const BlockRequest& request, std::size_t pages) {
  std::byte* page = machine_.memory.allocate_pages(pages, true);
  if (page == nullptr) return nullptr;
  const std::uintptr_t begin = number(page);
  const std::uintptr_t end = begin + pages * page_size;
  std::uintptr_t at = begin;
  if (options_.special == SpecialPool::end && request.bytes < page_size) {
    // One of no bytes has an address of its own all the same, and nothing may be done there.
    const std::size_t unit = request.cache_aligned ? cache_line : alignment;
    at = (end - std::max<std::size_t>(request.bytes, 1)) & ~(unit - 1);
  }
  fill(begin, at);
  fill(at + request.bytes, end);
  if (request.bytes < page_size && !request.zero) {
    std::memset(pointer(at), static_cast<int>(fresh_byte), request.bytes);
  }
  return pointer(at);
}

std::byte* Pool::take_small(std::size_t size_class) {
  auto& free = state_.free_blocks[size_class];
  if (free.empty()) {
    if (state_.fresh_pages == 0) {
      std::byte* pages = machine_.memory.allocate_pages(group_pages, false);
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

TagUse* Pool::tag_use(const Block& block) {
  if (block.image == trace::no_image) return nullptr;
  for (TagUse& use : options_.tags) {
    if (use.allocations == 0) use = {.tag = block.tag, .image = block.image, .kind = block.kind};
    if (use.tag == block.tag && use.image == block.image && use.kind == block.kind) return &use;
  }
  return nullptr;
}

std::byte* Pool::enter(std::byte* at, const BlockRequest& request, std::size_t pages, bool guarded) {
  Block block;
  // What the system itself allocates has numbers of its own: a trace does not change with how many objects it makes.
  std::uint32_t& next = request.kind == BlockKind::contiguous ? state_.next_contiguous
                        : request.kind == BlockKind::pages    ? state_.next_pages
                        : request.image == trace::no_image    ? state_.next_system
                                                              : state_.next_pool;
  block.id = next++;
  block.kind = request.kind;
  block.paged = request.paged;
  block.cache_aligned = request.cache_aligned;
  block.executable = request.executable;
  block.guarded = guarded;
  block.image = request.image;
  block.tag = request.tag;
  block.bytes = request.bytes;
  block.pages = pages;
  state_.bytes += request.bytes;
  state_.bytes_of[request.image] += request.bytes;
  // What was remembered of freed blocks is no longer true for this place.
  const std::uintptr_t end = number(at) + std::max<std::size_t>(request.bytes, pages * page_size);
  state_.freed.erase(state_.freed.lower_bound(number(at)), state_.freed.lower_bound(std::max(end, number(at) + 1)));
  state_.live.insert_or_assign(number(at), block);
  if (guarded) {
    ++state_.guarded;
    const bool beside = page_of(number(at)) != number(at) || request.bytes % page_size != 0;
    if (beside && !request.paged && request.image != trace::no_image && state_.watched.size() < watched_limit) {
      state_.watched.push_back({number(at), number(at) + request.bytes, request.image});
    }
  }
  if (TagUse* use = tag_use(block); use != nullptr) {
    ++use->allocations;
    use->bytes += block.bytes;
    use->most_bytes = std::max(use->most_bytes, use->bytes);
  }
  if (block.paged && pages != 0) {
    machine_.sections.add_pool(block.image, "pool#" + std::to_string(block.id),
                               {pointer(page_of(number(at))), pages * page_size});
  }
  return at;
}

std::byte* Pool::allocate(const BlockRequest& request) {
  if (!has_room(request)) return nullptr;
  const std::size_t pages = std::max<std::size_t>((request.bytes + page_size - 1) / page_size, 1);
  if (may_guard()) {
    if (std::byte* at = take_guarded(request, pages); at != nullptr) return enter(at, request, pages, true);
  }
  if (request.bytes <= small_limit) {
    std::byte* at = take_small(class_of(bytes_for_class(request.bytes, request.cache_aligned)));
    if (at == nullptr) return nullptr;
    if (request.zero) std::memset(at, 0, request.bytes);
    return enter(at, request, 0, false);
  }
  std::byte* at = machine_.memory.allocate_pages(pages, false);  // zeroed
  return at == nullptr ? nullptr : enter(at, request, pages, false);
}

std::byte* Pool::allocate_contiguous(const BlockRequest& request, Pfn lowest, Pfn highest, std::uint64_t boundary) {
  if (request.bytes == 0 || !has_room(request)) return nullptr;
  const std::size_t pages = (request.bytes + page_size - 1) / page_size;
  if (may_guard()) {
    std::byte* at = machine_.memory.allocate_pages_within(pages, lowest, highest, boundary, true);
    if (at != nullptr) {
      fill(number(at) + request.bytes, number(at) + pages * page_size);
      return enter(at, request, pages, true);
    }
  }
  std::byte* at = machine_.memory.allocate_pages_within(pages, lowest, highest, boundary);
  return at == nullptr ? nullptr : enter(at, request, pages, false);
}

void Pool::free(std::byte* at, Reuse reuse) {
  const auto live = state_.live.find(number(at));
  assert(live != state_.live.end());
  if (live->second.paged) machine_.sections.forget_pool(pointer(page_of(number(at))));
  if (live->second.guarded) look_beside(number(at), live->second);
  const Block block = live->second;
  state_.live.erase(live);
  state_.bytes -= block.bytes;
  state_.bytes_of[block.image] -= block.bytes;
  if (TagUse* use = tag_use(block); use != nullptr) {
    ++use->frees;
    use->bytes -= std::min<std::uint64_t>(use->bytes, block.bytes);
  }
  if (block.guarded) {
    --state_.guarded;
    std::erase_if(state_.watched, [at](const State::Watched& watched) { return watched.at == number(at); });
  }
  std::byte* page = pointer(page_of(number(at)));
  if (reuse == Reuse::at_once && block.pages != 0) {
    machine_.memory.free_pages(page, block.pages, block.guarded);
    return;
  }
  state_.freed.insert_or_assign(number(at), block);
  if (block.guarded) {
    machine_.memory.close_pages(page, block.pages);
    state_.quarantine.push_back(number(at));
    state_.quarantined_pages += block.pages + 2;
    while (state_.quarantined_pages > quarantine_pages) {
      const auto oldest = state_.freed.find(state_.quarantine.front());
      state_.quarantine.pop_front();
      state_.quarantined_pages -= oldest->second.pages + 2;
      machine_.memory.release_pages(pointer(page_of(oldest->first)), oldest->second.pages, true);
      state_.freed.erase(oldest);
    }
    return;
  }
  if (block.pages != 0) {
    machine_.memory.free_pages(page, block.pages, false);
    return;
  }
  const std::size_t size_class = class_of(bytes_for_class(block.bytes, block.cache_aligned));
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

std::optional<Pool::Place> Pool::place_of(const void* address) const {
  const std::byte* start = nullptr;
  for (const bool freed : {false, true}) {
    const auto& blocks = freed ? state_.freed : state_.live;
    if (const Block* block = containing(blocks, address, start); block != nullptr) {
      return Place{Place::Where::inside, freed, block, start, number(address) - number(start)};
    }
  }
  // A block and its guards reach from the page before its first to the page behind its last; no two of them overlap.
  for (const bool freed : {false, true}) {
    const auto& blocks = freed ? state_.freed : state_.live;
    const auto behind = blocks.upper_bound(number(address));
    if (behind != blocks.end() && behind->second.guarded && number(address) >= page_of(behind->first) - page_size) {
      return Place{Place::Where::before, freed, &behind->second, pointer(behind->first),
                   behind->first - number(address)};
    }
    if (behind == blocks.begin()) continue;
    const auto before = std::prev(behind);
    const std::uintptr_t end = page_of(before->first) + (before->second.pages + 1) * page_size;
    if (before->second.guarded && number(address) < end) {
      return Place{Place::Where::behind, freed, &before->second, pointer(before->first),
                   number(address) - before->first - before->second.bytes};
    }
  }
  return std::nullopt;
}

void Pool::tell_damage(std::uintptr_t at, const Block& block, bool before, std::uintptr_t first, std::uintptr_t last) {
  PoolDamage damage{.start = pointer(at), .block = &block, .before = before};
  for (std::uintptr_t i = first; i < last; ++i) {
    if (is_intact(i)) continue;
    if (damage.bytes == 0) damage.change = change_from(i, last, before, before ? at - i : i - (at + block.bytes));
    ++damage.bytes;
    if (before) damage.distance = at - i;
    if (!before && damage.distance == 0) damage.distance = i - (at + block.bytes) + 1;
  }
  fill(first, last);
  if (damage.bytes != 0 && options_.hooks.damaged != nullptr) options_.hooks.damaged(options_.hooks.context, damage);
}

void Pool::look_beside(std::uintptr_t at, const Block& block) {
  const std::uintptr_t begin = page_of(at);
  const std::uintptr_t end = begin + block.pages * page_size;
  if (!is_intact(begin, at)) tell_damage(at, block, true, begin, at);
  if (!is_intact(at + block.bytes, end)) tell_damage(at, block, false, at + block.bytes, end);
}

void Pool::look_near(std::uint16_t image) {
  for (const State::Watched& watched : state_.watched) {
    if (watched.image != image) continue;
    const std::uintptr_t begin = std::max(page_of(watched.at), watched.at - near_bytes);
    const std::uintptr_t end =
        std::min((watched.end + page_size - 1) & ~(std::uintptr_t{page_size} - 1), watched.end + near_bytes);
    if (is_intact(begin, watched.at) && is_intact(watched.end, end)) [[likely]]
      continue;
    look_beside(watched.at, state_.live.at(watched.at));
  }
}

void Pool::check(std::optional<std::uint16_t> image) {
  for (const auto& [at, block] : state_.live) {
    if (!block.guarded || (image && block.image != *image)) continue;
    if (block.paged) machine_.sections.page_in_at(pointer(at));
    look_beside(at, block);
  }
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
