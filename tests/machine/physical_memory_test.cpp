// SPDX-License-Identifier: Apache-2.0
// The simulated physical address space: what lies where, which PFN it has, who may write it, and that nothing a child
// does reaches its parent.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <vector>

#include "base/file.hpp"
#include "machine/machine.hpp"

namespace dumpsim::machine {
namespace {

using dumpfile::PageRun;
using ::testing::HasSubstr;
using Region = PhysicalMemory::Region;

/// Each word of a page says which page it is.
class Words : public dumpfile::MemorySource {
 public:
  void read_pages(Pfn first, std::uint64_t count, std::byte* into) const override {
    for (std::uint64_t page = 0; page < count; ++page) {
      for (std::uint64_t word = 0; word < page_size / 8; ++word) {
        const std::uint64_t value = (first + page) * 1000 + word;
        std::memcpy(into + page * page_size + word * 8, &value, 8);
      }
    }
  }
};

std::uint64_t word_at(const void* at) {
  std::uint64_t value = 0;
  std::memcpy(&value, at, sizeof value);
  return value;
}

/// Whether a write would work, asked of the kernel, which answers EFAULT instead of raising a signal. Changes nothing.
bool is_writable(void* at) {
  auto file = File::in_memory("writable");
  EXPECT_TRUE(file);
  const std::byte kept = *static_cast<const volatile std::byte*>(at);
  EXPECT_TRUE(file->write_at(0, {&kept, 1}));
  return pread(file->fd(), at, 1, 0) == 1;
}

PhysicalMemory make(std::vector<PageRun> runs, PhysicalMemory::Options options = {}) {
  auto memory = PhysicalMemory::create(runs, std::make_shared<Words>(), options);
  if (!memory) {
    ADD_FAILURE() << memory.error().message;
    std::abort();
  }
  return std::move(*memory);
}

constexpr PhysicalMemory::Options windowed{.materialise_limit = 0, .window_pages = 8};

TEST(PhysicalMemory, RamLiesInPlaceAndKeepsItsPfns) {
  const std::vector<PageRun> runs{{1, 3}, {0x100, 5}, {0x40000, 1}};
  PhysicalMemory memory = make(runs);
  EXPECT_TRUE(memory.materialised());
  EXPECT_EQ(memory.highest_ram_pfn(), 0x40000u);
  for (const PageRun& run : runs) {
    for (Pfn pfn = run.base; pfn < run.base + run.pages; ++pfn) {
      SCOPED_TRACE(pfn);
      const std::byte* shown = memory.show_ram(pfn, 1);
      EXPECT_EQ(word_at(shown), pfn * 1000);
      EXPECT_EQ(word_at(shown + page_size - 8), pfn * 1000 + 511);
      EXPECT_EQ(memory.pfn_of(shown + 100), pfn);
      EXPECT_EQ(memory.address_of(pfn), shown);
      EXPECT_EQ(memory.region_of(shown), Region::ram);
      EXPECT_TRUE(memory.is_ram(pfn));
      EXPECT_FALSE(is_writable(memory.address_of(pfn)));
    }
  }
  EXPECT_EQ(memory.show_ram(0x100, 5), memory.address_of(0x100)) << "a run lies in one piece";
  for (const Pfn hole : {Pfn{0}, Pfn{4}, Pfn{0xff}, Pfn{0x105}, Pfn{0x40001}}) {
    EXPECT_FALSE(memory.is_ram(hole)) << hole;
    EXPECT_EQ(memory.address_of(hole), nullptr) << hole;
  }
}

TEST(PhysicalMemory, RefusesWhatIsNoMemoryMap) {
  const auto error = [](std::vector<PageRun> runs) {
    auto memory = PhysicalMemory::create(runs, std::make_shared<Words>(), {});
    return memory ? std::string("accepted") : memory.error().message;
  };
  EXPECT_THAT(error({{0, 0}}), HasSubstr("it has no pages"));
  EXPECT_THAT(error({{0, 4}, {2, 4}}), HasSubstr("ascending and apart"));
  EXPECT_THAT(error({{0, 4}, {4, 4}}), HasSubstr("ascending and apart"));
  EXPECT_THAT(error({{8, 4}, {0, 4}}), HasSubstr("ascending and apart"));
  EXPECT_THAT(error({{pfn_limit - 1, 2}}), HasSubstr("physical addresses end at 16 TiB"));
  EXPECT_THAT(error({{1, ~std::uint64_t{0}}}), HasSubstr("physical addresses end at 16 TiB"));
  EXPECT_EQ(error({{0, 4}, {5, 4}}), "accepted");
  EXPECT_EQ(error({}), "accepted");
  PhysicalMemory first = make({{0, 1}});
  EXPECT_THAT(error({{0, 1}}), HasSubstr("cannot map")) << "one at a time in a process";
}

TEST(PhysicalMemory, EveryKindOfPageHasItsOwnPfns) {
  PhysicalMemory memory = make({{0, 300000}}, windowed);
  std::byte* arena = memory.allocate_pages(2, false);
  ASSERT_NE(arena, nullptr);
  EXPECT_EQ(memory.first_arena_pfn(), 524288u) << "the next GiB above 300,000 pages";
  EXPECT_EQ(memory.pfn_of(arena), memory.first_arena_pfn());
  EXPECT_EQ(memory.pfn_of(arena + page_size + 5), memory.first_arena_pfn() + 1);
  EXPECT_EQ(memory.address_of(memory.first_arena_pfn() + 1), arena + page_size);
  const std::array<std::byte, 10> bytes{};
  const Pfn window = memory.pfn_of(memory.show_bytes(bytes, 0));
  EXPECT_GE(window, memory.first_arena_pfn() + arena_bytes / page_size);
  std::array<std::byte, 2 * page_size> host{};
  const Pfn first = memory.pfn_of(host.data());
  const Pfn second = memory.pfn_of(host.data() + page_size);
  EXPECT_GT(first, window);
  EXPECT_EQ(second, first + 1);
  EXPECT_EQ(memory.pfn_of(host.data()), first) << "met before";
  EXPECT_EQ(memory.address_of(first),
            reinterpret_cast<std::byte*>(reinterpret_cast<std::uintptr_t>(host.data()) & ~(page_size - 1)));
  Pfn known = 0;
  EXPECT_FALSE(memory.known_pfn(&known, known)) << "asking assigns nothing";
}

TEST(PhysicalMemory, LargeRamIsMadeInTheWindow) {
  const std::uint64_t tebibyte_pages = (std::uint64_t{1} << 40) / page_size;
  PhysicalMemory memory = make({{0, tebibyte_pages}}, {.materialise_limit = 1 << 20, .window_pages = 8});
  EXPECT_FALSE(memory.materialised());
  for (const Pfn pfn : {Pfn{0}, Pfn{123456789}, tebibyte_pages - 8}) {
    const std::byte* shown = memory.show_ram(pfn, 8);
    for (Pfn i = 0; i < 8; ++i) {
      EXPECT_EQ(word_at(shown + i * page_size), (pfn + i) * 1000);
      EXPECT_EQ(memory.pfn_of(shown + i * page_size + 7), pfn + i);
      EXPECT_EQ(memory.address_of(pfn + i), shown + i * page_size);
    }
    EXPECT_FALSE(is_writable(const_cast<std::byte*>(shown)));
  }
  EXPECT_EQ(memory.address_of(5), nullptr) << "RAM that is not shown has no address";
  const std::array<std::byte, 1> one{};
  memory.show_bytes(one, 0);
  EXPECT_EQ(memory.address_of(tebibyte_pages - 8), nullptr) << "the window shows something else now";
}

TEST(PhysicalMemory, ShowsHostBytesReadOnlyAtAnyOffset) {
  PhysicalMemory memory = make({{0, 4}}, {.window_pages = 4});
  std::vector<std::byte> bytes(3 * page_size, std::byte{0x5A});
  for (const std::size_t offset : {std::size_t{0}, std::size_t{512}, page_size - 1}) {
    const std::byte* shown = memory.show_bytes(bytes, offset);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(shown) % page_size, offset);
    EXPECT_EQ(std::memcmp(shown, bytes.data(), bytes.size()), 0);
    EXPECT_FALSE(is_writable(const_cast<std::byte*>(shown)));
    EXPECT_EQ(memory.region_of(shown), Region::window);
    const Pfn first = memory.pfn_of(shown);
    EXPECT_EQ(memory.address_of(first) + offset, shown);
    EXPECT_EQ(memory.pfn_of(shown + bytes.size() - 1), first + (offset + bytes.size() - 1) / page_size);
  }
}

TEST(PhysicalMemory, ArenaPagesAreZeroedAndComeBackInOrder) {
  PhysicalMemory memory = make({{0, 1}});
  std::byte* first = memory.allocate_pages(1, false);
  std::byte* second = memory.allocate_pages(2, false);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(first), arena_base);
  EXPECT_EQ(second, first + page_size);
  EXPECT_EQ(memory.allocated_pages(), 3u);
  std::memset(first, 0xAA, page_size);
  memory.free_pages(first, 1, false);
  EXPECT_FALSE(memory.is_readable(first)) << "freed pages are gone";
  std::byte* again = memory.allocate_pages(1, false);
  EXPECT_EQ(again, first) << "the lowest place";
  EXPECT_EQ(word_at(again), 0u);
  std::byte* guarded = memory.allocate_pages(1, true);
  EXPECT_TRUE(memory.is_readable(guarded));
  EXPECT_FALSE(memory.is_readable(guarded - 1));
  EXPECT_FALSE(memory.is_readable(guarded + page_size));
  memory.free_pages(guarded, 1, true);
  EXPECT_EQ(memory.allocated_pages(), 3u);
  EXPECT_EQ(memory.allocate_pages(0, false), nullptr);
  EXPECT_EQ(memory.allocate_pages(arena_bytes / page_size, false), nullptr);
}

TEST(PhysicalMemory, ArenaPagesWithinLimits) {
  PhysicalMemory memory = make({{0, 1}});
  const Pfn base = memory.first_arena_pfn();
  std::byte* at = memory.allocate_pages_within(3, base + 100, base + 102, 0);
  ASSERT_NE(at, nullptr);
  EXPECT_EQ(memory.pfn_of(at), base + 100);
  EXPECT_EQ(memory.allocate_pages_within(3, base + 100, base + 102, 0), nullptr) << "taken";
  EXPECT_EQ(memory.allocate_pages_within(1, 0, base - 1, 0), nullptr) << "below the arena is RAM";
  std::byte* aligned = memory.allocate_pages_within(16, base + 5, ~Pfn{0}, 16);
  EXPECT_EQ(memory.pfn_of(aligned) % 16, 0u);
  std::byte* guarded = memory.allocate_pages_within(3, base + 200, base + 202, 0, true);
  ASSERT_NE(guarded, nullptr);
  EXPECT_EQ(memory.pfn_of(guarded), base + 200) << "its guards may lie beyond the limits";
  EXPECT_FALSE(memory.is_readable(guarded - 1));
  EXPECT_FALSE(memory.is_readable(guarded + 3 * page_size));
}

TEST(PhysicalMemory, ClosedPagesAreNobodys) {
  PhysicalMemory memory = make({{0, 1}});
  std::byte* first = memory.allocate_pages(2, true);
  const Pfn pfn = memory.pfn_of(first);
  std::memset(first, 1, 2 * page_size);
  memory.close_pages(first, 2);
  EXPECT_EQ(memory.allocated_pages(), 0u);
  EXPECT_FALSE(memory.is_readable(first));
  EXPECT_EQ(memory.address_of(pfn), nullptr);
  EXPECT_NE(memory.allocate_pages(2, true), first);
  memory.release_pages(first, 2, true);
  std::byte* again = memory.allocate_pages(2, true);
  EXPECT_EQ(again, first);
  EXPECT_EQ(word_at(again), 0u);
  EXPECT_EQ(memory.address_of(pfn), first);
}

TEST(PhysicalMemory, MapsScatteredPagesOneBehindTheOther) {
  PhysicalMemory memory = make({{7, 2}});
  std::byte* arena = memory.allocate_pages(3, false);
  arena[0] = std::byte{1};
  arena[2 * page_size] = std::byte{3};
  const std::array<Pfn, 3> scattered{memory.pfn_of(arena + 2 * page_size), 8, memory.pfn_of(arena)};
  std::byte* mapped = memory.map_pages(scattered);
  ASSERT_NE(mapped, nullptr);
  EXPECT_EQ(mapped[0], std::byte{3});
  EXPECT_EQ(word_at(mapped + page_size), 8000u);
  EXPECT_EQ(mapped[2 * page_size], std::byte{1});
  mapped[2 * page_size] = std::byte{9};
  EXPECT_EQ(arena[0], std::byte{9}) << "the same page";
  arena[2 * page_size] = std::byte{7};
  EXPECT_EQ(mapped[0], std::byte{7});
  EXPECT_FALSE(is_writable(mapped + page_size)) << "RAM stays read-only";
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(memory.pfn_of(mapped + i * page_size + 3), scattered[i]);
  EXPECT_EQ(memory.region_of(mapped), Region::mapping);
  memory.unmap_pages(mapped, 3);
  EXPECT_FALSE(memory.is_readable(mapped));
  EXPECT_EQ(arena[0], std::byte{9}) << "the page itself stays";
  memory.free_pages(arena, 3, false);
  std::byte* again = memory.allocate_pages(3, false);
  EXPECT_EQ(again, arena);
  EXPECT_EQ(again[0], std::byte{0}) << "a page that was shared is fresh again too";

  std::byte local{};
  const std::array<Pfn, 2> host{memory.pfn_of(&local), memory.pfn_of(again)};
  EXPECT_EQ(memory.map_pages(host), nullptr) << "host memory has one address";
  const std::array<Pfn, 1> nothing{memory.first_arena_pfn() + 5000};
  EXPECT_EQ(memory.map_pages(nothing), nullptr) << "not given out";
}

TEST(PhysicalMemory, MapsRamThatIsOnlyMadeWhenShown) {
  PhysicalMemory memory = make({{0, 100}}, windowed);
  const std::array<Pfn, 2> scattered{90, 3};
  const std::byte* mapped = memory.map_pages(scattered);
  ASSERT_NE(mapped, nullptr);
  EXPECT_EQ(word_at(mapped), 90000u);
  EXPECT_EQ(word_at(mapped + page_size), 3000u);
}

TEST(PhysicalMemory, OpensExactlyTheWrittenPage) {
  PhysicalMemory memory = make({{16, 4}});
  std::byte* ram = memory.address_of(16);
  Pfn pfn = 0;
  ASSERT_TRUE(memory.open_for_write(ram + page_size + 9, pfn));
  EXPECT_EQ(pfn, 17u);
  ram[page_size + 9] = std::byte{0xEE};
  EXPECT_FALSE(is_writable(ram));
  EXPECT_TRUE(is_writable(ram + page_size));
  EXPECT_EQ(memory.close_opened(), 1u);
  EXPECT_FALSE(is_writable(ram + page_size));
  EXPECT_EQ(ram[page_size + 9], std::byte{0xEE}) << "what was written stays";
  EXPECT_EQ(memory.close_opened(), 0u);

  const std::array<std::byte, 4> bytes{};
  std::byte* shown = const_cast<std::byte*>(memory.show_bytes(bytes, 0));
  EXPECT_TRUE(memory.open_for_write(shown, pfn));
  EXPECT_TRUE(is_writable(shown));
  EXPECT_EQ(memory.close_opened(), 1u);
  EXPECT_FALSE(is_writable(shown));

  std::byte* arena = memory.allocate_pages(1, false);
  EXPECT_FALSE(memory.open_for_write(arena, pfn)) << "writable anyway: not ours to open";
  EXPECT_FALSE(memory.open_for_write(nullptr, pfn));
  EXPECT_FALSE(memory.open_for_write(&pfn, pfn));
  EXPECT_FALSE(memory.open_for_write(ram + 4 * page_size, pfn)) << "behind the run";
}

TEST(PhysicalMemory, ClosesMorePagesThanItNotesDown) {
  constexpr std::uint64_t pages = 5000;
  PhysicalMemory memory = make({{0, pages}});
  Pfn pfn = 0;
  for (Pfn page = 0; page < pages; ++page) ASSERT_TRUE(memory.open_for_write(memory.address_of(page), pfn));
  EXPECT_EQ(memory.close_opened(), pages);
  EXPECT_FALSE(is_writable(memory.address_of(0)));
  EXPECT_FALSE(is_writable(memory.address_of(pages - 1)));
}

TEST(PhysicalMemory, AChildCannotReachItsParent) {
  PhysicalMemory memory = make({{0, 4}}, {.window_pages = 4});
  std::vector<std::byte> mine(page_size, std::byte{1});
  const std::byte* shown = memory.show_bytes(mine, 0);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    Pfn pfn = 0;
    bool good = memory.open_for_write(memory.address_of(2), pfn);
    *memory.address_of(2) = std::byte{0xCC};
    std::vector<std::byte> other(page_size, std::byte{2});
    const std::byte* at = memory.show_bytes(other, 0);
    good = good && at != nullptr && at[0] == std::byte{2};
    std::byte* arena = memory.allocate_pages(1, false);
    good = good && arena != nullptr;
    if (good) *arena = std::byte{3};
    _exit(good ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(word_at(memory.address_of(2)), 2000u) << "RAM";
  EXPECT_EQ(shown[0], std::byte{1}) << "the window";
  EXPECT_EQ(word_at(memory.allocate_pages(1, false)), 0u) << "the arena";
}

TEST(PhysicalMemory, KnowsWhatCanBeRead) {
  PhysicalMemory memory = make({{2, 1}});
  std::byte local{};
  EXPECT_TRUE(memory.is_readable(&local));
  EXPECT_TRUE(memory.is_readable(memory.address_of(2)));
  EXPECT_FALSE(memory.is_readable(memory.address_of(2) + page_size));
  EXPECT_FALSE(memory.is_readable(nullptr));
  EXPECT_FALSE(memory.is_readable(reinterpret_cast<void*>(0x18)));
  EXPECT_FALSE(memory.is_readable(reinterpret_cast<void*>(0xFFFFF78000000000)));
  void* closed = mmap(nullptr, page_size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  EXPECT_FALSE(memory.is_readable(closed));
  munmap(closed, page_size);
}

TEST(PhysicalMemory, MovesAndMakesRoomForTheNext) {
  {
    PhysicalMemory memory = make({{0, 2}});
    const std::byte* at = memory.address_of(1);
    PhysicalMemory moved = std::move(memory);
    EXPECT_EQ(moved.address_of(1), at);
    EXPECT_EQ(word_at(at), 1000u);
  }
  PhysicalMemory next = make({{0, 2}});
  EXPECT_EQ(word_at(next.address_of(1)), 1000u);
}

}  // namespace
}  // namespace dumpsim::machine
