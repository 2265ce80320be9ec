// SPDX-License-Identifier: Apache-2.0
// The simulated physical address space on a host that has one process and no page tables to offer: every kind of page
// lies at a fixed virtual place, so that the way from an address to its PFN and back is arithmetic. RAM is one memory
// file, filled before the fork and mapped privately, read-only: children share its pages, and a child's write (opened
// by the fault handler, after the report) stays in that child. RAM larger than the limit is never held: its pages are
// generated into a window that the host can write and filters can only read.
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cerrno>
#include <cstring>
#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

#include "base/file.hpp"
#include "base/seal.hpp"
#include "base/text.hpp"
#include "machine/machine.hpp"
#include "machine/page_ranges.hpp"

namespace dumpsim::machine {
namespace {

constexpr std::size_t arena_pages = arena_bytes / page_size;
constexpr std::size_t mapping_pages = mapping_area_bytes / page_size;
constexpr std::size_t own_pages = arena_pages - mapping_pages;
constexpr std::uintptr_t mapping_base = arena_base + own_pages * page_size;
constexpr Pfn pfn_alignment = (std::uint64_t{1} << 30) / page_size;
constexpr std::size_t opened_kept = 4096;
constexpr std::uint64_t fill_pages = 16;

std::uintptr_t number(const void* address) {
  return reinterpret_cast<std::uintptr_t>(address);
}
std::byte* pointer(std::uintptr_t address) {
  return reinterpret_cast<std::byte*>(address);
}

/// A second look at pages of `fd`, in place of what is mapped at `address`.
bool map_over(std::uintptr_t address, std::size_t bytes, int protection, int flags, int fd, std::uint64_t offset) {
  return mmap(pointer(address), bytes, protection, flags | MAP_FIXED | MAP_NORESERVE, fd, static_cast<off_t>(offset)) !=
         MAP_FAILED;
}

bool close_range_of_pages(std::uintptr_t address, std::size_t pages) {
  return map_over(address, pages * page_size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

Result<void> check_runs(std::span<const dumpfile::PageRun> runs) {
  Pfn end = 0;
  bool first = true;
  for (const dumpfile::PageRun& run : runs) {
    if (run.pages == 0) return Error{fmt::format("memory run at PFN {:#x}: it has no pages", run.base)};
    if (run.pages > pfn_limit || run.base > pfn_limit - run.pages) {
      return Error{fmt::format("memory run at PFN {:#x} with {:#x} pages: physical addresses end at {}", run.base,
                               run.pages, format_size(pfn_limit * page_size))};
    }
    if (!first && run.base <= end) {
      return Error{fmt::format(
          "memory run at PFN {:#x}: runs must be ascending and apart, the one before ends at {:#x}", run.base, end)};
    }
    end = run.base + run.pages;
    first = false;
  }
  return {};
}

}  // namespace

struct PhysicalMemory::State {
  std::vector<dumpfile::PageRun> runs;
  std::vector<std::uint64_t> file_pages;  // of each run: its first page in the memory file
  std::shared_ptr<const dumpfile::MemorySource> source;
  Options options;
  bool materialised = false;
  mutable std::size_t last_run = 0;

  File ram_file;
  std::vector<Mapping> ram;

  // The window: host_alias writes what `window` shows. `window_here` lies in a page that a fork wipes: a child sees 0
  // there and makes a window of its own instead of sharing its parent's.
  Mapping window;
  Mapping host_alias;
  Mapping fork_mark;
  bool shows_ram = false;
  Pfn shown_first = 0;
  std::size_t shown_pages = 0;

  Mapping arena;
  PageRanges arena_ranges{own_pages};
  std::vector<std::uint64_t> empty_bits;  // a bit per arena page that is taken but no memory: a guard, or closed
  PageRanges mapping_ranges{mapping_pages};
  std::vector<Pfn> mapped_pfns;  // by page of the mapping area; no_pfn when not mapped
  File shared_file;              // arena pages that have a second address
  std::uint64_t shared_file_pages = 0;
  std::unordered_map<std::size_t, std::uint64_t> shared_pages;  // arena page to page of shared_file

  Pfn arena_first = 0;
  Pfn window_first = 0;
  Pfn host_first = 0;
  std::unordered_map<std::uintptr_t, Pfn> host_pfns;
  std::vector<std::uintptr_t> host_pages;

  std::array<std::uintptr_t, opened_kept> opened;  // the first of them
  mutable File probe_file;

  static constexpr Pfn no_pfn = ~Pfn{0};

  const dumpfile::PageRun* run_of(Pfn pfn) const {
    if (runs.empty()) return nullptr;
    if (pfn - runs[last_run].base < runs[last_run].pages) return &runs[last_run];
    auto behind = std::upper_bound(runs.begin(), runs.end(), pfn,
                                   [](Pfn value, const dumpfile::PageRun& run) { return value < run.base; });
    if (behind == runs.begin()) return nullptr;
    --behind;
    if (pfn - behind->base >= behind->pages) return nullptr;
    last_run = static_cast<std::size_t>(behind - runs.begin());
    return &*behind;
  }
  std::uint64_t file_page_of(Pfn pfn) const {
    const dumpfile::PageRun* run = run_of(pfn);
    return file_pages[static_cast<std::size_t>(run - runs.data())] + (pfn - run->base);
  }

  std::size_t empty_count = 0;
  bool is_empty(std::size_t page) const {
    return page / 64 < empty_bits.size() && (empty_bits[page / 64] >> (page % 64) & 1) != 0;
  }
  void mark_empty(std::size_t first, std::size_t pages, bool set) {
    empty_count += set ? pages : std::size_t{0} - pages;
    // Pages are taken from the lowest on, so this stays short.
    if (empty_bits.size() <= (first + pages) / 64) empty_bits.resize((first + pages) / 64 + 1);
    for (std::size_t page = first; page < first + pages; ++page) {
      const std::uint64_t bit = std::uint64_t{1} << (page % 64);
      empty_bits[page / 64] = set ? empty_bits[page / 64] | bit : empty_bits[page / 64] & ~bit;
    }
  }
  std::byte* take(std::size_t pages, PageRanges::Limits limits, bool guard);
  bool in_arena(std::uintptr_t at) const { return at - arena_base < own_pages * page_size; }
  bool in_mapping(std::uintptr_t at) const { return at - mapping_base < mapping_area_bytes; }
  bool in_window(std::uintptr_t at) const { return at - window_base < options.window_pages * page_size; }
  bool in_ram(std::uintptr_t at) const { return materialised && at - ram_base < pfn_limit * page_size; }

  Result<void> fill();
  Result<void> map_ram();
  bool make_window();
  bool window_ready() {
    return (fork_mark && *reinterpret_cast<const volatile std::uint8_t*>(fork_mark.begin()) != 0) || make_window();
  }
  std::byte* open_pages(std::size_t first, std::size_t pages, std::size_t around);
  bool share_arena_page(std::size_t page, std::uint64_t& file_page);
  bool map_one(std::size_t page, Pfn pfn);
};

Result<void> PhysicalMemory::State::fill() {
  std::uint64_t pages = 0;
  for (const dumpfile::PageRun& run : runs) {
    file_pages.push_back(pages);
    pages += run.pages;
  }
  if (pages == 0) return {};
  auto file = File::in_memory("dumpsim-ram");
  if (!file) return std::move(file).error();
  ram_file = std::move(*file);
  if (auto sized = ram_file.resize(pages * page_size); !sized) return sized;
  // Written, not mapped and filled: a page costs 1.2 us instead of 2.9 (1 MiB: 0.3 against 0.75 ms, two busy cores).
  std::vector<std::byte> piece(fill_pages * page_size);
  for (std::size_t i = 0; i < runs.size(); ++i) {
    for (std::uint64_t done = 0; done < runs[i].pages; done += fill_pages) {
      const std::uint64_t count = std::min(fill_pages, runs[i].pages - done);
      source->read_pages(runs[i].base + done, count, piece.data());
      const std::span<const std::byte> bytes(piece.data(), count * page_size);
      if (auto put = ram_file.write_at((file_pages[i] + done) * page_size, bytes); !put) return put;
    }
  }
  // Content is fixed from here on: a run that follows in this process finds the same.
  return seal_content(ram_file);
}

Result<void> PhysicalMemory::State::map_ram() {
  for (std::size_t i = 0; i < runs.size(); ++i) {
    auto mapping = Mapping::of_file(ram_file.fd(), file_pages[i] * page_size, runs[i].pages * page_size, PROT_READ,
                                    false, ram_base + runs[i].base * page_size);
    if (!mapping) return std::move(mapping).error();
    ram.push_back(std::move(*mapping));
  }
  return {};
}

bool PhysicalMemory::State::make_window() {
  const std::size_t bytes = options.window_pages * page_size;
  auto file = File::in_memory("dumpsim-window");
  if (!file || !file->resize(bytes)) return false;
  if (!fork_mark) {
    auto mark = Mapping::at(window_base + bytes + page_size, page_size, PROT_READ | PROT_WRITE);
    if (!mark) return false;
    fork_mark = std::move(*mark);
    if (madvise(fork_mark.begin(), page_size, MADV_WIPEONFORK) != 0) return false;
  }
  window = Mapping();
  host_alias = Mapping();
  auto host = Mapping::of_file(file->fd(), 0, bytes, PROT_READ | PROT_WRITE, true);
  auto shown = Mapping::of_file(file->fd(), 0, bytes, PROT_READ, true, window_base);
  if (!host || !shown) return false;
  host_alias = std::move(*host);
  window = std::move(*shown);
  shown_pages = 0;
  *fork_mark.begin() = std::byte{1};
  return true;
}

PhysicalMemory::PhysicalMemory() : state_(std::make_unique<State>()) {}
PhysicalMemory::~PhysicalMemory() = default;
PhysicalMemory::PhysicalMemory(PhysicalMemory&&) noexcept = default;
PhysicalMemory& PhysicalMemory::operator=(PhysicalMemory&&) noexcept = default;

Result<PhysicalMemory> PhysicalMemory::create(std::span<const dumpfile::PageRun> ram,
                                              std::shared_ptr<const dumpfile::MemorySource> source, Options options) {
  assert(source != nullptr && options.window_pages >= 2);
  if (auto checked = check_runs(ram); !checked) return checked.error();
  PhysicalMemory memory;
  State& state = *memory.state_;
  state.runs.assign(ram.begin(), ram.end());
  state.source = std::move(source);
  state.options = options;
  std::uint64_t pages = 0;
  for (const dumpfile::PageRun& run : ram) pages += run.pages;  // below pfn_limit: the runs are apart
  state.materialised = pages * page_size <= options.materialise_limit;

  const Pfn end = state.runs.empty() ? 0 : state.runs.back().base + state.runs.back().pages;
  state.arena_first = std::max((end + pfn_alignment - 1) / pfn_alignment, Pfn{1}) * pfn_alignment;
  state.window_first = state.arena_first + arena_pages;
  state.host_first = (state.window_first + options.window_pages + pfn_alignment - 1) / pfn_alignment * pfn_alignment;

  auto arena = Mapping::at(arena_base, arena_bytes, PROT_NONE);
  if (!arena) return std::move(arena).error();
  state.arena = std::move(*arena);
  if (state.materialised) {
    if (auto filled = state.fill(); !filled) return filled.error();
    if (auto mapped = state.map_ram(); !mapped) return mapped.error();
  }
  return memory;
}

std::span<const dumpfile::PageRun> PhysicalMemory::ram() const {
  return state_->runs;
}

Pfn PhysicalMemory::highest_ram_pfn() const {
  return state_->runs.empty() ? 0 : state_->runs.back().base + state_->runs.back().pages - 1;
}

bool PhysicalMemory::is_ram(Pfn pfn) const {
  return state_->run_of(pfn) != nullptr;
}
bool PhysicalMemory::materialised() const {
  return state_->materialised;
}
const dumpfile::MemorySource& PhysicalMemory::source() const {
  return *state_->source;
}

const std::byte* PhysicalMemory::show_ram(Pfn first, std::uint64_t count) {
  State& state = *state_;
  [[maybe_unused]] const dumpfile::PageRun* run = state.run_of(first);
  assert(run != nullptr && count != 0 && first - run->base + count <= run->pages);
  if (state.materialised) return pointer(ram_base + first * page_size);
  assert(count <= state.options.window_pages);
  if (!state.window_ready()) return nullptr;
  state.source->read_pages(first, count, state.host_alias.begin());
  state.shows_ram = true;
  state.shown_first = first;
  state.shown_pages = static_cast<std::size_t>(count);
  return state.window.begin();
}

const std::byte* PhysicalMemory::show_bytes(std::span<const std::byte> bytes, std::size_t offset_in_page) {
  State& state = *state_;
  assert(offset_in_page < page_size && bytes.size() <= (state.options.window_pages - 1) * page_size);
  if (!state.window_ready()) return nullptr;
  if (!bytes.empty()) std::memcpy(state.host_alias.begin() + offset_in_page, bytes.data(), bytes.size());
  state.shows_ram = false;
  state.shown_first = state.window_first;
  state.shown_pages = (offset_in_page + bytes.size() + page_size - 1) / page_size;
  return state.window.begin() + offset_in_page;
}

bool PhysicalMemory::known_pfn(const void* address, Pfn& pfn) const {
  const State& state = *state_;
  const std::uintptr_t at = number(address);
  if (state.in_ram(at)) {
    pfn = (at - ram_base) >> page_shift;
    return state.run_of(pfn) != nullptr;
  }
  if (state.in_window(at)) {
    const std::size_t page = (at - window_base) >> page_shift;
    pfn = state.shows_ram && page < state.shown_pages ? state.shown_first + page : state.window_first + page;
    return true;
  }
  if (state.in_arena(at)) {
    pfn = state.arena_first + ((at - arena_base) >> page_shift);
    return true;
  }
  if (state.in_mapping(at)) {
    const std::size_t page = (at - mapping_base) >> page_shift;
    if (page >= state.mapped_pfns.size() || state.mapped_pfns[page] == State::no_pfn) return false;
    pfn = state.mapped_pfns[page];
    return true;
  }
  return false;
}

Pfn PhysicalMemory::pfn_of(const void* address) {
  Pfn pfn = 0;
  if (known_pfn(address, pfn)) return pfn;
  State& state = *state_;
  const std::uintptr_t page = number(address) & ~(page_size - 1);
  const auto [entry, added] = state.host_pfns.try_emplace(page, state.host_first + state.host_pages.size());
  if (added) state.host_pages.push_back(page);
  return entry->second;
}

std::byte* PhysicalMemory::address_of(Pfn pfn) const {
  const State& state = *state_;
  if (state.run_of(pfn) != nullptr) {
    if (state.materialised) return pointer(ram_base + pfn * page_size);
    if (!state.shows_ram || pfn - state.shown_first >= state.shown_pages) return nullptr;
    return pointer(window_base + (pfn - state.shown_first) * page_size);
  }
  if (pfn - state.arena_first < own_pages) {
    const std::size_t page = static_cast<std::size_t>(pfn - state.arena_first);
    return state.arena_ranges.is_taken(page) && !state.is_empty(page) ? pointer(arena_base + page * page_size)
                                                                      : nullptr;
  }
  if (pfn - state.window_first < state.options.window_pages) {
    const std::size_t page = static_cast<std::size_t>(pfn - state.window_first);
    return state.window && !state.shows_ram && page < state.shown_pages ? pointer(window_base + page * page_size)
                                                                        : nullptr;
  }
  if (pfn - state.host_first < state.host_pages.size()) return pointer(state.host_pages[pfn - state.host_first]);
  return nullptr;
}

std::byte* PhysicalMemory::State::open_pages(std::size_t first, std::size_t pages, std::size_t around) {
  std::byte* at = pointer(arena_base + (first + around) * page_size);
  if (mprotect(at, pages * page_size, PROT_READ | PROT_WRITE) == 0) return at;
  arena_ranges.give_back(first, pages + 2 * around);  // the host has no more mappings to give
  return nullptr;
}

std::byte* PhysicalMemory::State::take(std::size_t pages, PageRanges::Limits limits, bool guard) {
  limits.around = guard ? 1 : 0;
  const auto first = arena_ranges.take(pages, limits);
  if (!first) return nullptr;
  std::byte* at = open_pages(*first, pages, limits.around);
  if (at == nullptr || !guard) return at;
  mark_empty(*first, 1, true);
  mark_empty(*first + pages + 1, 1, true);
  return at;
}

std::byte* PhysicalMemory::allocate_pages(std::size_t pages, bool guard) {
  return pages > own_pages - 2 ? nullptr : state_->take(pages, {}, guard);
}

std::byte* PhysicalMemory::allocate_pages_within(std::size_t pages, Pfn lowest, Pfn highest, std::uint64_t boundary,
                                                 bool guard) {
  State& state = *state_;
  if (pages > own_pages - 2 || highest < state.arena_first) return nullptr;
  const Pfn bias = state.arena_first;
  return state.take(
      pages,
      {.lowest = lowest > bias ? lowest - bias : 0, .highest = highest - bias, .boundary = boundary, .bias = bias},
      guard);
}

void PhysicalMemory::free_pages(std::byte* at, std::size_t pages, bool guard) {
  close_pages(at, pages);
  release_pages(at, pages, guard);
}

void PhysicalMemory::close_pages(std::byte* at, std::size_t pages) {
  State& state = *state_;
  const std::size_t first = (number(at) - arena_base) >> page_shift;
  assert(state.in_arena(number(at)) && state.arena_ranges.is_taken(first) && !state.is_empty(first));
  for (std::size_t page = first; !state.shared_pages.empty() && page < first + pages; ++page) {
    if (state.shared_pages.erase(page) != 0) close_range_of_pages(arena_base + page * page_size, 1);
  }
  madvise(at, pages * page_size, MADV_DONTNEED);
  // Should the host have no mapping to split them off with, they stay accessible, and zeroed.
  mprotect(at, pages * page_size, PROT_NONE);
  state.mark_empty(first, pages, true);
}

void PhysicalMemory::release_pages(std::byte* at, std::size_t pages, bool guard) {
  State& state = *state_;
  const std::size_t around = guard ? 1 : 0;
  const std::size_t first = ((number(at) - arena_base) >> page_shift) - around;
  assert(state.is_empty(first + around));
  state.mark_empty(first, pages + 2 * around, false);
  state.arena_ranges.give_back(first, pages + 2 * around);
}

Pfn PhysicalMemory::first_arena_pfn() const {
  return state_->arena_first;
}
std::size_t PhysicalMemory::allocated_pages() const {
  return state_->arena_ranges.taken() - state_->empty_count;
}

bool PhysicalMemory::State::share_arena_page(std::size_t page, std::uint64_t& file_page) {
  if (const auto found = shared_pages.find(page); found != shared_pages.end()) {
    file_page = found->second;
    return true;
  }
  if (shared_file.fd() < 0) {
    auto file = File::in_memory("dumpsim-shared-pages");
    if (!file) return false;
    shared_file = std::move(*file);
  }
  file_page = shared_file_pages;
  std::byte* at = pointer(arena_base + page * page_size);
  if (!shared_file.resize((file_page + 1) * page_size) ||
      !shared_file.write_at(file_page * page_size, {at, page_size}) ||
      !map_over(number(at), page_size, PROT_READ | PROT_WRITE, MAP_SHARED, shared_file.fd(), file_page * page_size)) {
    return false;
  }
  ++shared_file_pages;
  shared_pages.emplace(page, file_page);
  return true;
}

bool PhysicalMemory::State::map_one(std::size_t page, Pfn pfn) {
  const std::uintptr_t at = mapping_base + page * page_size;
  if (run_of(pfn) != nullptr) {
    if (materialised) {
      return map_over(at, page_size, PROT_READ, MAP_PRIVATE, ram_file.fd(), file_page_of(pfn) * page_size);
    }
    // RAM never changes, so a copy made now shows what the page holds.
    if (!map_over(at, page_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)) return false;
    source->read_pages(pfn, 1, pointer(at));
    return mprotect(pointer(at), page_size, PROT_READ) == 0;
  }
  const std::size_t arena_page = static_cast<std::size_t>(pfn - arena_first);
  if (pfn < arena_first || arena_page >= own_pages || !arena_ranges.is_taken(arena_page)) return false;
  std::uint64_t file_page = 0;
  return share_arena_page(arena_page, file_page) &&
         map_over(at, page_size, PROT_READ | PROT_WRITE, MAP_SHARED, shared_file.fd(), file_page * page_size);
}

std::byte* PhysicalMemory::map_pages(std::span<const Pfn> pfns) {
  State& state = *state_;
  if (pfns.empty()) return nullptr;
  const auto first = state.mapping_ranges.take(pfns.size() + 1);
  if (!first) return nullptr;
  if (state.mapped_pfns.size() < *first + pfns.size()) state.mapped_pfns.resize(*first + pfns.size(), State::no_pfn);
  for (std::size_t i = 0; i < pfns.size(); ++i) {
    if (!state.map_one(*first + i, pfns[i])) {
      unmap_pages(pointer(mapping_base + *first * page_size), pfns.size());
      return nullptr;
    }
    state.mapped_pfns[*first + i] = pfns[i];
  }
  return pointer(mapping_base + *first * page_size);
}

void PhysicalMemory::unmap_pages(std::byte* at, std::size_t pages) {
  State& state = *state_;
  const std::size_t first = (number(at) - mapping_base) >> page_shift;
  assert(state.in_mapping(number(at)) && first + pages <= state.mapped_pfns.size());
  close_range_of_pages(number(at), pages);
  for (std::size_t i = 0; i < pages; ++i) state.mapped_pfns[first + i] = State::no_pfn;
  state.mapping_ranges.give_back(first, pages + 1);
}

bool PhysicalMemory::is_readable(const void* address) const {
  const State& state = *state_;
  const std::uintptr_t at = number(address);
  if (at < page_size) return false;
  if (state.in_ram(at)) return state.run_of((at - ram_base) >> page_shift) != nullptr;
  if (at < 0x0000800000000000 && at != 0) {
    // The kernel reads one byte for us and says EFAULT instead of raising a signal.
    if (state.probe_file.fd() < 0) {
      auto file = File::in_memory("dumpsim-probe");
      if (!file) return false;
      state.probe_file = std::move(*file);
    }
    // By number: AddressSanitizer's pwrite would look at the byte itself first, and fault.
    return syscall(SYS_pwrite64, state.probe_file.fd(), address, std::size_t{1}, off_t{0}) == 1;
  }
  return false;
}

bool PhysicalMemory::is_writable(const void* address) const {
  if (!is_readable(address)) return false;
  Pfn pfn = 0;
  if (known_pfn(address, pfn)) return true;
  // A byte read from itself: the kernel says EFAULT where it may not be put back. By number, as above.
  const iovec itself{const_cast<void*>(address), 1};
  return syscall(SYS_process_vm_readv, getpid(), &itself, 1UL, &itself, 1UL, 0UL) == 1;
}

bool PhysicalMemory::open_for_write(const void* address, Pfn& pfn) {
  State& state = *state_;
  const std::uintptr_t at = number(address);
  if (!known_pfn(address, pfn)) return false;
  if (state.in_arena(at)) return false;
  if (state.in_window(at) && !state.window) return false;
  if (state.in_mapping(at) && state.run_of(pfn) == nullptr) return false;
  const std::uintptr_t page = at & ~(page_size - 1);
  const int saved = errno;
  const bool opened = mprotect(pointer(page), page_size, PROT_READ | PROT_WRITE) == 0;
  errno = saved;
  if (!opened) return false;
  if (opened_ < opened_kept) state.opened[opened_] = page;
  ++opened_;
  return true;
}

std::size_t PhysicalMemory::close_all_opened() {
  State& state = *state_;
  const std::size_t count = opened_;
  for (std::size_t i = 0; i < std::min(count, opened_kept); ++i) {
    mprotect(pointer(state.opened[i]), page_size, PROT_READ);
  }
  if (count > opened_kept) {  // more than were noted down: close everything that filters may only read
    for (const Mapping& run : state.ram) mprotect(run.begin(), run.size(), PROT_READ);
    if (state.window) mprotect(state.window.begin(), state.window.size(), PROT_READ);
    for (std::size_t page = 0; page < state.mapped_pfns.size(); ++page) {
      if (state.mapped_pfns[page] != State::no_pfn && state.run_of(state.mapped_pfns[page]) != nullptr) {
        mprotect(pointer(mapping_base + page * page_size), page_size, PROT_READ);
      }
    }
  }
  opened_ = 0;
  return count;
}

PhysicalMemory::Region PhysicalMemory::region_of(const void* address) const {
  const State& state = *state_;
  const std::uintptr_t at = number(address);
  if (at < page_size) return Region::null_page;
  if (state.in_arena(at)) return Region::arena;
  if (state.in_mapping(at)) return Region::mapping;
  if (state.in_window(at)) return Region::window;
  if (state.in_ram(at) && state.run_of((at - ram_base) >> page_shift) != nullptr) return Region::ram;
  return Region::unknown;
}

}  // namespace dumpsim::machine
