// SPDX-License-Identifier: Apache-2.0
// The memory a driver is given: pool blocks, contiguous memory and pages for MDLs, in pages of the machine's arena.
// What is known about a block is kept aside, never next to it, so that an overrun hits nothing of ours.
//
// Special pool is how it is given out unless a policy says otherwise: each block in pages of its own, with an
// inaccessible page before and behind, so that an access out of bounds faults where it is made. A block of less than a
// page lies at the end of its page, or at its start; the rest of the page holds a pattern that is looked at after each
// callback (near the block, of the first `watched_limit` blocks), when the block is freed, and at the end. What was
// freed stays inaccessible, its addresses are given to nobody until `quarantine_pages` more have been freed. Measured:
// 3 to 5 us for a block and its end, two thirds of it the two changes of protection.
//
// All of it is a value: a copy of Pool::State together with the arena's pages is what restoring a hibernation snapshot
// needs.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "machine/machine.hpp"
#include "trace/changed_bytes.hpp"
#include "trace/record.hpp"

namespace dumpsim::kernel {

enum class BlockKind : std::uint8_t {
  pool,
  contiguous,
  pages,  ///< of MmAllocatePagesForMdl: one run of page frames
};

struct Block {
  std::uint32_t id = 0;  ///< counts from 1 per kind, in order of allocation: "pool#3"
  BlockKind kind = BlockKind::pool;
  bool paged = false;  ///< from paged pool
  bool executable = false;
  bool cache_aligned = false;
  bool guarded = false;                   ///< in pages of its own between two inaccessible ones
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
  bool cache_aligned = false;
  std::uint16_t image = trace::no_image;
  std::uint32_t tag = 0;
  std::size_t bytes = 0;
};

/// Where a block lies between its guards.
enum class SpecialPool : std::uint8_t {
  off,    ///< small blocks share pages, as Windows packs them; nothing is guarded
  end,    ///< at the end of its pages: an overrun faults
  start,  ///< at the start: an underrun faults
};

/// What one image has had by one tag. Plain bytes: it can stand in memory shared with the parent.
struct TagUse {
  std::uint32_t tag = 0;
  std::uint16_t image = trace::no_image;
  BlockKind kind = BlockKind::pool;
  std::uint64_t allocations = 0, frees = 0;
  std::uint64_t bytes = 0, most_bytes = 0;  ///< at once
};

/// Bytes beside a block that are not what they were.
struct PoolDamage {
  const std::byte* start = nullptr;  ///< of the block
  const Block* block = nullptr;
  bool before = false;         ///< before the block, not behind its end
  std::size_t distance = 0;    ///< of the damaged byte that is nearest: 1 is next to the block
  std::size_t bytes = 0;       ///< how many are different
  trace::ChangedBytes change;  ///< from the first that is different, in the order of addresses
};

/// Told what happens beside an allocation or a free. All are optional.
struct PoolHooks {
  void* context = nullptr;
  void (*damaged)(void* context, const PoolDamage& damage) = nullptr;
  /// The image has no more room for `bytes`.
  void (*over_limit)(void* context, std::uint16_t image, std::uint64_t bytes) = nullptr;
  /// From here on blocks have no guards: there are `blocks`, and the host has mappings for no more. Once.
  void (*unguarded)(void* context, std::size_t blocks) = nullptr;
};

/// How many guarded blocks this host has mappings for, leaving it some for itself. The first call asks the system: a
/// process whose children each have a pool makes it before it forks.
std::size_t guarded_blocks_of_host();

struct PoolOptions {
  std::uint64_t limit = std::uint64_t{1} << 30;  ///< bytes that one image may have at once
  SpecialPool special = SpecialPool::end;
  /// Guarded blocks at once. Each splits the host's address space twice, and Linux has 65,530 pieces by default
  /// (vm.max_map_count); the rest is the host's own. Fewer where the host says fewer.
  std::size_t guarded_limit = 28000;
  std::span<TagUse> tags = {};  ///< outlives the pool; tags beyond its end are not counted
  PoolHooks hooks = {};
};

class Pool {
 public:
  Pool(machine::Machine& machine, const PoolOptions& options);
  /// Gives all pages back to the arena: the next boot starts at the same addresses.
  ~Pool();
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  /// 16-byte aligned [doc], or to a cache line where asked, from a page on to a page; less than a page never crosses
  /// one [doc]. Without special pool all blocks from 64 bytes on start on a cache line. nullptr when the limit or the
  /// arena is used up. Contents: zeros where asked and from a page on; otherwise `fresh_byte` in special pool, and what
  /// was there without (zeros in fresh pages, `freed_byte` in a recycled block [assumed]).
  std::byte* allocate(const BlockRequest& request);
  /// Whole zeroed pages with consecutive PFNs within [lowest, highest], not crossing a multiple of `boundary` pages (0:
  /// any).
  std::byte* allocate_contiguous(const BlockRequest& request, Pfn lowest, Pfn highest, std::uint64_t boundary);
  /// When its addresses may be given out again.
  enum class Reuse : std::uint8_t {
    late,     ///< as late as can be
    at_once,  ///< no driver has seen it
  };
  /// REQUIRES: `at` is the address of a live block.
  void free(std::byte* at, Reuse reuse = Reuse::late);

  /// The live block that starts at `at`, or nullptr.
  const Block* block_at(const void* at) const;
  /// The live block that contains `address`, and its start.
  const Block* block_containing(const void* address, const std::byte*& start) const;
  /// The block that last started at or around `address` and was freed since, if the place has not been used again.
  const Block* freed_containing(const void* address, const std::byte*& start) const;

  /// What an address belongs to, in or beside a block.
  struct Place {
    enum class Where : std::uint8_t { inside, behind, before } where = Where::inside;
    bool freed = false;
    const Block* block = nullptr;
    const std::byte* start = nullptr;
    std::size_t distance = 0;  ///< from the start, from the end, or to the start
  };
  /// A block, live or freed, whose bytes, rest of a page or guard it is. Async-signal-safe.
  std::optional<Place> place_of(const void* address) const;

  /// Looks at the bytes next to the blocks of `image` and tells of those that changed, once: they are put right again.
  void check_near(std::uint16_t image) {
    if (!state_.watched.empty()) look_near(image);
  }
  /// The same at all bytes beside them; of every block without an image.
  void check(std::optional<std::uint16_t> image = {});

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
  static constexpr std::byte fresh_byte{0xCD};
  static constexpr std::size_t quarantine_pages = std::size_t{1} << 18;  // of address space, not of memory
  static constexpr std::size_t watched_limit = 64;

  /// Everything but the pages themselves.
  struct State {
    std::map<std::uintptr_t, Block> live;
    std::map<std::uintptr_t, Block> freed;
    std::array<std::vector<std::uintptr_t>, 13> free_blocks;  // per size class, last in first out
    std::vector<std::uintptr_t> groups;                       // where groups of pages for small blocks start
    std::uintptr_t fresh = 0;                                 // pages taken but not yet cut into blocks
    std::size_t fresh_pages = 0;
    std::deque<std::uintptr_t> quarantine;  // freed blocks with guards, the oldest first
    std::size_t quarantined_pages = 0;
    std::size_t guarded = 0;  // live blocks with guards
    bool unguarded_told = false;
    /// Guarded blocks of images with bytes beside them, the first watched_limit.
    struct Watched {
      std::uintptr_t at = 0, end = 0;
      std::uint16_t image = trace::no_image;
    };
    std::vector<Watched> watched;
    std::map<std::uint16_t, std::uint64_t> bytes_of;  // by image
    std::uint32_t next_pool = 1;
    std::uint32_t next_system = 1;
    std::uint32_t next_contiguous = 1;
    std::uint32_t next_pages = 1;
    std::uint64_t bytes = 0;
  };
  const State& state() const { return state_; }
  /// REQUIRES: the arena's pages are those of the moment `state` was copied.
  void restore(State state) { state_ = std::move(state); }

 private:
  bool has_room(const BlockRequest& request);
  bool may_guard();
  std::byte* take_guarded(const BlockRequest& request, std::size_t pages);
  std::byte* take_small(std::size_t size_class);
  std::byte* enter(std::byte* at, const BlockRequest& request, std::size_t pages, bool guarded);
  void look_near(std::uint16_t image);
  void look_beside(std::uintptr_t at, const Block& block);
  void tell_damage(std::uintptr_t at, const Block& block, bool before, std::uintptr_t first, std::uintptr_t last);
  TagUse* tag_use(const Block& block);

  machine::Machine& machine_;
  PoolOptions options_;
  State state_;
};

}  // namespace dumpsim::kernel
