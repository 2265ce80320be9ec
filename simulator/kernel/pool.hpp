// SPDX-License-Identifier: Apache-2.0
// The memory a driver is given: pool blocks and contiguous memory, in pages of the machine's arena. What is known about
// a block is kept aside, never next to it, so that an overrun hits nothing of ours. All of it is a value: a copy of
// Pool::State together with the arena's pages is what restoring a hibernation snapshot needs.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

#include "machine/machine.hpp"
#include "trace/record.hpp"

namespace dumpsim::kernel {

enum class BlockKind : std::uint8_t { pool, contiguous };

struct Block {
  std::uint32_t id = 0;  ///< counts from 1 per kind, in order of allocation: "pool#3"
  BlockKind kind = BlockKind::pool;
  bool paged = false;  ///< from paged pool
  bool executable = false;
  std::uint16_t image = trace::no_image;  ///< who allocated it
  std::uint32_t tag = 0;
  std::size_t bytes = 0;  ///< as asked for
  std::size_t pages = 0;  ///< of its own; 0 when it lies in a page of small blocks
};

struct BlockRequest {
  BlockKind kind = BlockKind::pool;
  bool paged = false;
  bool executable = false;
  bool zero = false;
  std::uint16_t image = trace::no_image;
  std::uint32_t tag = 0;
  std::size_t bytes = 0;
};

class Pool {
 public:
  Pool(machine::PhysicalMemory& memory, std::uint64_t limit) : memory_(memory), limit_(limit) {}
  /// Gives all pages back to the arena: the next boot starts at the same addresses.
  ~Pool();
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  /// 16-byte aligned, from 64 bytes on aligned to a cache line, from a page on to a page; less than a page never
  /// crosses one [doc]. nullptr when the limit or the arena is used up. Contents: as `zero` asks; otherwise what was
  /// there (zeros in fresh pages, `freed_byte` in a recycled block [assumed]).
  std::byte* allocate(const BlockRequest& request);
  /// Whole pages with consecutive PFNs within [lowest, highest], not crossing a multiple of `boundary` pages (0: any).
  std::byte* allocate_contiguous(const BlockRequest& request, Pfn lowest, Pfn highest, std::uint64_t boundary);
  /// REQUIRES: `at` is the address of a live block.
  void free(std::byte* at);

  /// The live block that starts at `at`, or nullptr.
  const Block* block_at(const void* at) const;
  /// The live block that contains `address`, and its start.
  const Block* block_containing(const void* address, const std::byte*& start) const;
  /// The block that last started at or around `address` and was freed since, if the place has not been used again.
  const Block* freed_containing(const void* address, const std::byte*& start) const;

  struct Outstanding {
    std::size_t blocks = 0;
    std::uint64_t bytes = 0;
  };
  /// What `image` has allocated and not freed.
  Outstanding outstanding(std::uint16_t image) const;
  template <class Visit>
  void for_each(std::uint16_t image, Visit visit) const {
    for (const auto& [at, block] : state_.live) {
      if (block.image == image) visit(reinterpret_cast<const std::byte*>(at), block);
    }
  }
  std::uint64_t bytes_in_use() const { return state_.bytes; }

  static constexpr std::byte freed_byte{0xDF};

  /// Everything but the pages themselves.
  struct State {
    std::map<std::uintptr_t, Block> live;
    std::map<std::uintptr_t, Block> freed;
    std::array<std::vector<std::uintptr_t>, 13> free_blocks;  // per size class, last in first out
    std::vector<std::uintptr_t> groups;                       // where groups of pages for small blocks start
    std::uintptr_t fresh = 0;                                 // pages taken but not yet cut into blocks
    std::size_t fresh_pages = 0;
    std::uint32_t next_pool = 1;
    std::uint32_t next_system = 1;
    std::uint32_t next_contiguous = 1;
    std::uint64_t bytes = 0;
  };
  const State& state() const { return state_; }
  /// REQUIRES: the arena's pages are those of the moment `state` was copied.
  void restore(State state) { state_ = std::move(state); }

 private:
  std::byte* take_small(std::size_t size_class);
  std::byte* enter(std::byte* at, const BlockRequest& request, std::size_t pages);

  machine::PhysicalMemory& memory_;
  std::uint64_t limit_;
  State state_;
};

}  // namespace dumpsim::kernel
