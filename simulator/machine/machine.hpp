// SPDX-License-Identifier: Apache-2.0
// The simulated computer: physical memory, one processor's IRQL, virtual time, the bugcheck state. It knows nothing of
// the kernel's API; the kernel and the stack drive it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <vector>

#include "base/mapping.hpp"
#include "base/offsets.hpp"
#include "base/result.hpp"
#include "dumpfile/memory_source.hpp"
#include "machine/driver_sections.hpp"

namespace dumpsim::machine {

/// Where simulated memory lies in the host's address space: fixed, so that pointers repeat from run to run, and chosen
/// so that it works plain and under sanitizers. One PhysicalMemory can be mapped at a time in a process.
inline constexpr std::uintptr_t arena_base = 0x200000000000;
inline constexpr std::size_t arena_bytes = std::size_t{1} << 34;  // address space, not memory
/// The arena's last part holds no memory of its own: second addresses of pages (MmMapLockedPagesSpecifyCache).
inline constexpr std::size_t mapping_area_bytes = std::size_t{1} << 30;
inline constexpr std::uintptr_t window_base = arena_base + (std::uintptr_t{1} << 36);
/// Materialised RAM: physical address P lies at ram_base + P.
inline constexpr std::uintptr_t ram_base = 0x300000000000;
/// PFNs stay below this (16 TiB of physical addresses), or create() refuses.
inline constexpr Pfn pfn_limit = Pfn{1} << 32;

/// One simulated physical address space. Every page has a PFN: RAM (dumped), the arena (pool, contiguous memory,
/// stacks: not dumped), and host memory elsewhere, which gets its PFN when first asked for.
///
/// PFNs, from low to high: RAM as the runs say; from the next 1 GiB boundary on the arena; behind it the window's pages
/// for host-made bytes; behind them host memory in the order it was met.
///
/// Fork: create before it. Materialised RAM is then shared with the children without copying page tables, and none of
/// them can change it for another. The window belongs to a process and is made when first shown in. A child must be
/// forked before the first map_pages().
class PhysicalMemory {
 public:
  struct Options {
    /// RAM up to this is filled before the fork and mapped read-only; larger RAM is made in the window as it is dumped.
    std::uint64_t materialise_limit = std::uint64_t{256} << 20;
    /// Pages the window can show at once.
    std::size_t window_pages = 1024;
  };
  /// Fails when the runs are not ascending and apart, reach past pfn_limit, or the addresses are taken (a second
  /// PhysicalMemory in this process).
  static Result<PhysicalMemory> create(std::span<const dumpfile::PageRun> ram,
                                       std::shared_ptr<const dumpfile::MemorySource> source, Options options);
  ~PhysicalMemory();
  PhysicalMemory(PhysicalMemory&&) noexcept;
  PhysicalMemory& operator=(PhysicalMemory&&) noexcept;

  std::span<const dumpfile::PageRun> ram() const;
  Pfn highest_ram_pfn() const;
  bool is_ram(Pfn pfn) const;
  bool materialised() const;
  const dumpfile::MemorySource& source() const;

  /// `count` consecutive RAM pages at one virtual address, read-only for filters: in place when RAM is materialised,
  /// through the window otherwise. Valid until the next call of show_*(); for good when materialised.
  /// REQUIRES: all of them are RAM, count <= window_pages.
  const std::byte* show_ram(Pfn first, std::uint64_t count);
  /// Host-made bytes (a header, a bitmap, a log page) shown read-only in the window, with PFNs of their own.
  /// `bytes.size()` at most (window_pages - 1) pages; `offset_in_page` gives the shown address that ByteOffset.
  const std::byte* show_bytes(std::span<const std::byte> bytes, std::size_t offset_in_page);

  /// The PFN behind a virtual address; assigns one to host memory met for the first time. Constant time for RAM,
  /// window, arena (RAM in many runs: the logarithm of their number).
  Pfn pfn_of(const void* address);
  /// Where a PFN's page lies, or nullptr when there is none. For window pages: the read-only address; the host's
  /// writable alias is not given out. RAM that is not materialised has an address only while it is shown.
  std::byte* address_of(Pfn pfn) const;

  /// Whole zeroed pages of the arena, read-write, at the lowest address that fits; nullptr when used up. `guard`: an
  /// inaccessible page before and behind.
  std::byte* allocate_pages(std::size_t pages, bool guard);
  /// The same with PFNs within [lowest, highest] that do not cross a multiple of `boundary` page frames (0: any). The
  /// guard's page frames have no limits.
  std::byte* allocate_pages_within(std::size_t pages, Pfn lowest, Pfn highest, std::uint64_t boundary,
                                   bool guard = false);
  /// Gives them back: inaccessible from here on. REQUIRES: as allocated.
  void free_pages(std::byte* at, std::size_t pages, bool guard);
  /// The first half of that: their memory is gone and they are inaccessible, but nobody is given their addresses and
  /// page frames until release_pages(). REQUIRES: as allocated.
  void close_pages(std::byte* at, std::size_t pages);
  /// The second. REQUIRES: closed; `guard` as allocated.
  void release_pages(std::byte* at, std::size_t pages, bool guard);
  Pfn first_arena_pfn() const;
  /// Arena pages given out now, without guards and without what is closed.
  std::size_t allocated_pages() const;

  /// A second, contiguous virtual address for page frames that lie apart, an inaccessible page behind. Arena pages are
  /// shared with their first address, RAM is read-only there too; a write into RAM through such an address is reported
  /// as any other but does not show at the RAM's own address. nullptr when a frame has no page, is host memory, or the
  /// area is used up.
  std::byte* map_pages(std::span<const Pfn> pfns);
  /// REQUIRES: `at` came from map_pages() with that many pages.
  void unmap_pages(std::byte* at, std::size_t pages);

  /// Whether a read at `address` works; costs a system call for host memory.
  bool is_readable(const void* address) const;
  /// Whether a write at `address` works, or would after open_for_write(): Windows' RAM can be written, whatever a
  /// report says of it. Nothing changes there; a host page may get a copy of its own.
  bool is_writable(const void* address) const;

  /// For the fault handler: if `address` lies in read-only RAM or the window, makes that page writable (a private copy
  /// of RAM: the parent and later runs keep the original) and remembers it; Windows lets such a write happen, so do we,
  /// after it has been reported. Sets the page's PFN and returns true; false when the address is something else.
  /// Async-signal-safe.
  bool open_for_write(const void* address, Pfn& pfn);
  /// Makes pages opened since the last call read-only again; the number of them. A no-op costs one load.
  std::size_t close_opened() { return opened_ == 0 ? 0 : close_all_opened(); }

  /// Which part of memory an address lies in. `arena` is any arena address, given out or not.
  enum class Region : std::uint8_t { unknown, ram, window, arena, mapping, null_page };
  Region region_of(const void* address) const;
  /// The PFN of a RAM, window, arena or mapped address without assigning one; false for everything else.
  bool known_pfn(const void* address, Pfn& pfn) const;

 private:
  PhysicalMemory();
  std::size_t close_all_opened();
  struct State;
  std::unique_ptr<State> state_;
  std::size_t opened_ = 0;  // pages; here, since every callback asks
};

/// IRQL values of x64 [doc].
enum Irql : std::uint8_t { passive_level = 0, apc_level = 1, dispatch_level = 2, high_level = 15 };

/// Where the processor's control region lies: the KPCR that gs points at. Fixed, so that pointers repeat.
inline constexpr std::uintptr_t control_region_base = 0x1fe000000000;
/// KPCR and KPRCB; beyond the fields that are set everything is zero.
inline constexpr std::size_t control_region_bytes = std::size_t{64} << 10;

struct Processor {
  std::uint8_t irql = passive_level;
  std::uint32_t number = 0;
  /// The KPCR when this process has one (ring0.hpp).
  std::byte* control_region = nullptr;
  /// The object of the thread that the machine starts with lies behind KPCR and KPRCB: opaque bytes.
  std::byte* initial_thread() const { return control_region == nullptr ? nullptr : control_region + 0xC000; }
  /// What gs:[188h] holds from here on.
  void set_current_thread(const void* thread) const {
    if (control_region != nullptr) std::memcpy(control_region + 0x188, &thread, sizeof thread);
  }
  bool interrupts = true;  ///< as cli and sti left it; popfq cannot be seen
};

/// Virtual time in 100 ns units since boot. Moves only when something that takes time happens.
struct Clock {
  std::uint64_t now = 0;
  void advance(std::uint64_t hundred_ns) { now += hundred_ns; }
};
/// 2026-01-01 00:00 UTC as a FILETIME: the fixed moment at which every simulated machine boots.
inline constexpr std::uint64_t boot_filetime = 134116992000000000ULL;

struct BugcheckState {
  bool raised = false;
  std::uint32_t code = 0;
  std::array<std::uint64_t, 4> parameters{};
};

struct Machine {
  PhysicalMemory memory;
  Processor processor;
  Clock clock;
  DriverSections sections;  ///< of the drivers that are loaded
  BugcheckState bugcheck;   ///< raised by a driver, not the scenario's own crash
  std::uint32_t processors = 1;
};

}  // namespace dumpsim::machine
