// SPDX-License-Identifier: Apache-2.0
// The simulated computer: physical memory, one processor's IRQL, virtual time, the bugcheck state. It knows nothing of
// the kernel's API; the kernel and the stack drive it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/mapping.hpp"
#include "base/offsets.hpp"
#include "base/result.hpp"
#include "dumpfile/memory_source.hpp"

namespace dumpsim::machine {

/// Where the arena lies: works plain and under sanitizers, so that pointers repeat from run to run.
inline constexpr std::uintptr_t arena_base = 0x200000000000;
inline constexpr std::size_t arena_bytes = std::size_t{1} << 34;  // address space, not memory

/// One simulated physical address space. Every page has a PFN: RAM (dumped), the arena (pool, contiguous memory,
/// stacks: not dumped), and host memory elsewhere, which gets its PFN when first asked for.
class PhysicalMemory {
 public:
  struct Options {
    /// RAM up to this is filled before the fork and mapped read-only; larger RAM is made in the window as it is dumped.
    std::uint64_t materialise_limit = std::uint64_t{256} << 20;
    /// Pages the window can show at once.
    std::size_t window_pages = 1024;
  };
  static Result<PhysicalMemory> create(std::span<const dumpfile::PageRun> ram,
                                       std::shared_ptr<const dumpfile::MemorySource> source, Options options);
  ~PhysicalMemory();
  PhysicalMemory(PhysicalMemory&&) noexcept;
  PhysicalMemory& operator=(PhysicalMemory&&) noexcept;

  std::span<const dumpfile::PageRun> ram() const;
  Pfn highest_ram_pfn() const;
  bool is_ram(Pfn pfn) const;
  const dumpfile::MemorySource& source() const;

  /// `count` consecutive RAM pages at one virtual address, read-only for filters: in place when RAM is materialised and
  /// the pages lie together, through the window otherwise. Valid until the next call of show_*().
  const std::byte* show_ram(Pfn first, std::uint64_t count);
  /// Host-made bytes (a header, a bitmap, a log page) shown read-only in the window, with PFNs of their own.
  /// `bytes.size()` at most (window_pages - 1) pages; `offset_in_page` gives the shown address that ByteOffset.
  const std::byte* show_bytes(std::span<const std::byte> bytes, std::size_t offset_in_page);

  /// The PFN behind a virtual address; assigns one to host memory met for the first time. Constant time for RAM,
  /// window, arena.
  Pfn pfn_of(const void* address);
  /// Where a PFN's page lies, or nullptr when there is none. For window pages: the host's writable alias is not given
  /// out.
  std::byte* address_of(Pfn pfn) const;

  /// Whole zeroed pages of the arena, read-write; nullptr when used up. `guard`: an inaccessible page before and
  /// behind.
  std::byte* allocate_pages(std::size_t pages, bool guard);
  void free_pages(std::byte* at, std::size_t pages, bool guard);

  /// For the fault handler: if `address` lies in read-only RAM or the window, makes that page writable (a private copy
  /// of RAM: the parent and later runs keep the original) and remembers it; Windows lets such a write happen, so do we,
  /// after it has been reported. Returns the page's PFN, or no value when the address is something else.
  /// Async-signal-safe.
  bool open_for_write(const void* address, Pfn& pfn);
  /// Makes pages opened since the last call read-only again; the number of them. A no-op costs one load.
  std::size_t close_opened();

  /// "ram pfn 0x123 + 0x10", "pool/arena + 0x…": where an address lies, in words that repeat from run to run; empty
  /// when unknown.
  enum class Region : std::uint8_t { unknown, ram, window, arena, null_page };
  Region region_of(const void* address) const;

 private:
  PhysicalMemory();
  struct State;
  std::unique_ptr<State> state_;
};

/// IRQL values of x64 [doc].
enum Irql : std::uint8_t { passive_level = 0, apc_level = 1, dispatch_level = 2, high_level = 15 };

struct Processor {
  std::uint8_t irql = passive_level;
  std::uint32_t number = 0;
};

/// Virtual time in 100 ns units since boot. Moves only when something that takes time happens.
struct Clock {
  std::uint64_t now = 0;
  void advance(std::uint64_t hundred_ns) { now += hundred_ns; }
};
/// 2026-01-01 00:00 UTC as a FILETIME: the fixed moment at which every simulated machine boots.
inline constexpr std::uint64_t boot_filetime = 134117568000000000ULL;

struct BugcheckState {
  bool raised = false;
  std::uint32_t code = 0;
  std::array<std::uint64_t, 4> parameters{};
};

struct Machine {
  PhysicalMemory memory;
  Processor processor;
  Clock clock;
  BugcheckState bugcheck;  ///< raised by a driver, not the scenario's own crash
  std::uint32_t processors = 1;
};

}  // namespace dumpsim::machine
