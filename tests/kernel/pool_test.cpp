// SPDX-License-Identifier: Apache-2.0
// Pool and contiguous memory: alignment and zeroing as documented, who holds what, and every way to free wrongly.
#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <vector>

#include "base/random.hpp"
#include "kernel_fixture.hpp"
#include "machine/fault_trap.hpp"

namespace dumpsim::kernel::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using trace::Kind;
using trace::Rule;

constexpr ULONG tag = 0x726F5820;    // 'roX '
constexpr ULONG other = 0x74736554;  // 'tseT'

class PoolTest : public KernelTest {
 public:
  PoolTest() { restart({.bad_free_stops = false}); }

  std::string last_violation() const {
    const auto all = texts(Kind::violation);
    return all.empty() ? "" : all.back();
  }
};
DUMPSIM_BOTH_CONVENTIONS(PoolTest);

std::uintptr_t number(const void* at) {
  return reinterpret_cast<std::uintptr_t>(at);
}

TEST_P(PoolTest, AlignmentGrowsWithTheSize) {
  restart({.special_pool = SpecialPool::off});
  for (std::size_t bytes = 0; bytes <= 5000; bytes += bytes < 300 ? 1 : 37) {
    SCOPED_TRACE(bytes);
    auto* at = static_cast<char*>(K(ExAllocatePoolWithTag)(NonPagedPoolNx, bytes, tag));
    ASSERT_NE(at, nullptr);
    EXPECT_EQ(number(at) % 16, 0u);
    if (bytes >= 64) {
      EXPECT_EQ(number(at) % 64, 0u);
    }
    if (bytes >= page_size) {
      EXPECT_EQ(number(at) % page_size, 0u);
    }
    if (bytes != 0 && bytes <= page_size) {
      EXPECT_EQ(number(at) / page_size, number(at + bytes - 1) / page_size);
    }
    std::memset(at, 0x11, bytes);
    if (bytes % 3 == 0) K(ExFreePool)(at);
  }
  EXPECT_EQ(violations(Rule::pool_bad_free), 0u);
}

TEST_P(PoolTest, ExAllocatePool2ZeroesAndIsStrict) {
  restart({.special_pool = SpecialPool::off});
  auto* dirty = static_cast<char*>(K(ExAllocatePoolWithTag)(NonPagedPool, 100, tag));
  std::memset(dirty, 0x7E, 100);
  K(ExFreePool)(dirty);
  auto* clean = static_cast<char*>(K(ExAllocatePool2)(POOL_FLAG_NON_PAGED, 100, tag));
  ASSERT_EQ(clean, dirty) << "the same place, so that the zeros mean something";
  for (int i = 0; i < 100; ++i) ASSERT_EQ(clean[i], 0);
  K(ExFreePool)(clean);
  auto* raw = static_cast<unsigned char*>(K(ExAllocatePool2)(POOL_FLAG_NON_PAGED | POOL_FLAG_UNINITIALIZED, 100, tag));
  EXPECT_EQ(raw[50], static_cast<unsigned char>(Pool::freed_byte)) << "uninitialised is not zeroed";

  struct {
    POOL_FLAGS flags;
    SIZE_T bytes;
    ULONG tag;
    bool works;
  } const rows[] = {
      {POOL_FLAG_NON_PAGED, 8, tag, true},
      {POOL_FLAG_PAGED | POOL_FLAG_USE_QUOTA, 8, tag, true},
      {POOL_FLAG_NON_PAGED_EXECUTE | POOL_FLAG_CACHE_ALIGNED, 8, tag, true},
      {POOL_FLAG_NON_PAGED | 0x4000000000000000, 8, tag, true},  // an unknown optional flag
      {POOL_FLAG_NON_PAGED | 0x10000000, 8, tag, false},         // an unknown required one
      {0, 8, tag, false},
      {POOL_FLAG_NON_PAGED | POOL_FLAG_PAGED, 8, tag, false},
      {POOL_FLAG_NON_PAGED, 0, tag, false},
      {POOL_FLAG_NON_PAGED, 8, 0, false},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(K(ExAllocatePool2)(row.flags, row.bytes, row.tag) != nullptr, row.works) << std::hex << row.flags;
  }
  const auto parameters = bugcheck_of(SYSTEM_THREAD_EXCEPTION_NOT_HANDLED, [&] {
    K(ExAllocatePool2)(POOL_FLAG_NON_PAGED | POOL_FLAG_RAISE_ON_FAILURE, 8, 0);
  });
  EXPECT_EQ(static_cast<NTSTATUS>(parameters[0]), STATUS_INVALID_PARAMETER);
}

TEST_P(PoolTest, FailsByItsDocumentedMeansWhenUsedUp) {
  restart({.memory_limit = 1 << 20});
  EXPECT_EQ(K(ExAllocatePoolWithTag)(NonPagedPool, 2 << 20, tag), nullptr);
  EXPECT_EQ(K(ExAllocatePoolWithTag)(NonPagedPool, ~SIZE_T{0}, tag), nullptr);
  void* half = K(ExAllocatePoolWithTag)(NonPagedPool, 1 << 19, tag);
  EXPECT_NE(half, nullptr);
  EXPECT_EQ(K(ExAllocatePoolWithTag)(NonPagedPool, (1 << 19) + 1, tag), nullptr);
  const auto raise = static_cast<POOL_TYPE>(NonPagedPool | POOL_RAISE_IF_ALLOCATION_FAILURE);
  bugcheck_of(SYSTEM_THREAD_EXCEPTION_NOT_HANDLED, [&] { K(ExAllocatePoolWithTag)(raise, 1 << 20, tag); });
  bugcheck_of(SYSTEM_THREAD_EXCEPTION_NOT_HANDLED, [&] { K(ExAllocatePoolWithQuota)(NonPagedPool, 1 << 20); });
  const auto quiet = static_cast<POOL_TYPE>(NonPagedPool | POOL_QUOTA_FAIL_INSTEAD_OF_RAISE);
  EXPECT_EQ(K(ExAllocatePoolWithQuotaTag)(quiet, 1 << 20, tag), nullptr);
  K(ExFreePool)(half);
  EXPECT_NE(K(ExAllocatePoolWithTagPriority)(NonPagedPool, 1 << 20, tag, NormalPoolPriority), nullptr);
}

TEST_P(PoolTest, PagedPoolNeedsALowerIrql) {
  set_irql(DISPATCH_LEVEL);
  void* nonpaged = K(ExAllocatePoolWithTag)(NonPagedPool, 16, tag);
  EXPECT_EQ(violations(Rule::irql_too_high), 0u);
  void* paged = K(ExAllocatePoolWithTag)(PagedPool, 16, tag);
  EXPECT_EQ(violations(Rule::irql_too_high), 1u);
  EXPECT_THAT(last_violation(), HasSubstr("its documented maximum is 1"));
  K(ExFreePool)(nonpaged);
  EXPECT_EQ(violations(Rule::irql_too_high), 1u);
  K(ExFreePool)(paged);
  EXPECT_EQ(violations(Rule::irql_too_high), 2u);
}

TEST_P(PoolTest, WrongFreesAreReportedAndHarmless) {
  restart({.special_pool = SpecialPool::off, .bad_free_stops = false});
  auto* block = static_cast<char*>(K(ExAllocatePoolWithTag)(NonPagedPool, 100, tag));
  auto* page = static_cast<char*>(K(ExAllocatePoolWithTag)(NonPagedPool, 8192, tag));
  K(ExFreePoolWithTag)(block + 16, tag);
  EXPECT_EQ(last_violation(), "ExFreePoolWithTag: not the start of a pool block: pool#1+0x10");
  K(ExFreePool)(nullptr);
  EXPECT_EQ(last_violation(), "ExFreePool: not the start of a pool block: null");
  K(ExFreePool)(&block);
  EXPECT_EQ(last_violation(), "ExFreePool: not the start of a pool block: host");
  EXPECT_EQ(violations(Rule::pool_bad_free), 3u);
  EXPECT_EQ(violations(Rule::pool_double_free), 0u);
  K(ExFreePoolWithTag)(block, other);
  EXPECT_EQ(last_violation(), "ExFreePoolWithTag: pool#1 was allocated with tag 'roX ', not 'tseT'");
  K(ExFreePool2)(page, 0, nullptr, 0);
  EXPECT_EQ(violations(Rule::pool_bad_free), 4u) << "no tag names none";
  K(ExFreePool)(block);
  EXPECT_EQ(last_violation(), "ExFreePool: freed before: freed pool#1");
  K(ExFreePoolWithTag)(page, tag);
  EXPECT_EQ(violations(Rule::pool_double_free), 2u);
  void* again = K(ExAllocatePoolWithTag)(NonPagedPool, 100, tag);
  EXPECT_EQ(again, block);
  K(ExFreePool)(again);
  EXPECT_EQ(violations(Rule::pool_double_free), 2u) << "the place is in use again, so this is no second free";
}

TEST_P(PoolTest, WrongFreesStopTheMachine) {
  restart({});
  auto* block = static_cast<char*>(K(ExAllocatePoolWithTag)(NonPagedPool, 100, tag));
  auto parameters = bugcheck_of(BAD_POOL_CALLER, [&] { K(ExFreePoolWithTag)(block, other); });
  EXPECT_THAT(parameters, ElementsAre(0xA, number(block), tag, other));
  parameters = bugcheck_of(BAD_POOL_CALLER, [&] { K(ExFreePool)(block + 16); });
  EXPECT_THAT(parameters, ElementsAre(0x46, number(block) + 16, 0, 0));
  EXPECT_EQ(violations(Rule::pool_bad_free), 2u);
  K(ExFreePool)(block);
  parameters = bugcheck_of(BAD_POOL_CALLER, [&] { K(ExFreePool)(block); });
  EXPECT_THAT(parameters, ElementsAre(0x7, 0, 0, number(block)));
  EXPECT_EQ(violations(Rule::pool_double_free), 1u) << "reported before the machine stops";
}

TEST_P(PoolTest, AProtectedBlockIsFreedByItsTagOnly) {
  void* block = K(ExAllocatePoolWithTag)(NonPagedPool, 16, tag | 0x80000000);
  K(ExFreePool)(block);
  EXPECT_THAT(last_violation(), HasSubstr("which protects it"));
  block = K(ExAllocatePoolWithTag)(NonPagedPool, 16, tag | 0x80000000);
  K(ExFreePoolWithTag)(block, tag | 0x80000000);
  EXPECT_EQ(violations(Rule::pool_bad_free), 1u);
}

TEST_P(PoolTest, KnowsWhoHoldsWhat) {
  void* mine = K(ExAllocatePoolWithTag)(NonPagedPool, 1000, tag);
  PHYSICAL_ADDRESS any{.QuadPart = -1};
  void* contiguous = K(MmAllocateContiguousMemory)(0x10000, any);
  kernel().set_current(image + 1, trace::Callback::driver_entry);
  void* theirs = K(ExAllocatePoolWithTag)(NonPagedPool, 24, other);
  EXPECT_EQ(kernel().held_by(image), "2 blocks (66,536 bytes): pool#1 'roX ' 1,000, contiguous#1 65,536");
  EXPECT_EQ(kernel().held_by(image + 1), "1 block (24 bytes): pool#2 'tseT' 24");
  EXPECT_EQ(kernel().pool().outstanding(image).bytes, 66536u);
  K(ExFreePool)(mine);
  K(MmFreeContiguousMemory)(contiguous);
  K(ExFreePool)(theirs);
  EXPECT_EQ(kernel().held_by(image), "");
  EXPECT_EQ(kernel().held_by(image + 1), "");
}

TEST_P(PoolTest, ContiguousMemoryHasConsecutivePfnsWithinItsLimits) {
  const Pfn base = kernel().memory().first_arena_pfn();
  struct {
    std::uint64_t bytes, lowest, highest, boundary;
    bool works;
  } const rows[] = {
      {0x10000, 0, ~0ULL, 0, true},
      {1, 0, ~0ULL, 0, true},
      {0, 0, ~0ULL, 0, false},
      {0x4000, (base + 512) * page_size, (base + 516) * page_size - 1, 0, true},
      {0x4000, (base + 512) * page_size, (base + 516) * page_size - 1, 0, false},  // taken by the row before
      {0x4000, 0, base * page_size - 1, 0, false},                                 // below the arena
      {0x10000, 0, ~0ULL, 0x10000, true},
      {0x20000, 0, ~0ULL, 0x10000, false},  // larger than the boundary
      {0x1000, 0, ~0ULL, 0x3000, false},    // no power of two
      {0x1000, 10, 5, 0, false},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.bytes);
    const auto physical = [](std::uint64_t value) {
      return PHYSICAL_ADDRESS{.QuadPart = static_cast<LONGLONG>(value)};
    };
    auto* at = static_cast<std::byte*>(K(MmAllocateContiguousMemorySpecifyCache)(
        row.bytes, physical(row.lowest), physical(row.highest), physical(row.boundary), MmCached));
    ASSERT_EQ(at != nullptr, row.works);
    if (at == nullptr) continue;
    const Pfn first = kernel().memory().pfn_of(at);
    for (std::size_t offset = 0; offset < row.bytes; offset += page_size) {
      EXPECT_EQ(kernel().memory().pfn_of(at + offset), first + offset / page_size);
      at[offset] = std::byte{1};
    }
    EXPECT_GE(first * page_size, row.lowest);
    if (row.boundary != 0) {
      EXPECT_EQ(first * page_size / row.boundary, (first * page_size + row.bytes - 1) / row.boundary);
    }
  }
}

TEST_P(PoolTest, NodeMemoryChecksItsProtection) {
  const PHYSICAL_ADDRESS none{.QuadPart = 0};
  const PHYSICAL_ADDRESS any{.QuadPart = -1};
  struct {
    ULONG protect;
    bool works;
  } const rows[] = {{PAGE_READWRITE, true},
                    {PAGE_EXECUTE_READWRITE, true},
                    {PAGE_READWRITE | PAGE_NOCACHE, true},
                    {PAGE_READWRITE | PAGE_NOCACHE | PAGE_WRITECOMBINE, false},
                    {PAGE_READONLY, false},
                    {0, false}};
  for (const auto& row : rows) {
    EXPECT_EQ(K(MmAllocateContiguousNodeMemory)(4096, none, any, none, row.protect, MM_ANY_NODE_OK) != nullptr,
              row.works)
        << std::hex << row.protect;
  }
}

TEST_P(PoolTest, ContiguousAndPoolAreNotFreedForEachOther) {
  const PHYSICAL_ADDRESS any{.QuadPart = -1};
  void* contiguous = K(MmAllocateContiguousMemory)(4096, any);
  void* pool = K(ExAllocatePoolWithTag)(NonPagedPool, 4096, tag);
  K(ExFreePool)(contiguous);
  EXPECT_EQ(last_violation(), "ExFreePool: not the start of a pool block: contiguous#1");
  K(MmFreeContiguousMemory)(pool);
  EXPECT_EQ(last_violation(), "MmFreeContiguousMemory: not the start of contiguous memory: pool#1");
  K(MmFreeContiguousMemorySpecifyCache)(contiguous, 8192, MmCached);
  EXPECT_EQ(last_violation(), "MmFreeContiguousMemorySpecifyCache: contiguous#1 has 4096 bytes, not 8192");
  K(MmFreeContiguousMemory)(contiguous);
  EXPECT_EQ(violations(Rule::pool_double_free), 1u);
  void* noncached = K(MmAllocateNonCachedMemory)(100);
  K(MmFreeNonCachedMemory)(noncached, 100);
  EXPECT_EQ(violations(Rule::pool_bad_free), 3u) << "that one was right";
}

/// Against a map: blocks do not overlap, keep their content, and come back to nothing.
TEST_P(PoolTest, AgreesWithAMapUnderRandomUse) {
  kernel().set_record_calls(false);
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    std::map<std::uintptr_t, std::pair<std::size_t, unsigned char>> model;
    for (int step = 0; step < 3000; ++step) {
      if (random.below(5) < 3 || model.empty()) {
        const std::size_t bytes = random.below(10) == 0 ? random.below(20000) : random.below(600);
        auto* at = static_cast<unsigned char*>(K(ExAllocatePoolWithTag)(NonPagedPool, bytes, tag));
        ASSERT_NE(at, nullptr);
        const auto after = model.lower_bound(number(at));
        if (after != model.end()) {
          ASSERT_LE(number(at) + bytes, after->first);
        }
        if (after != model.begin()) {
          const auto before = std::prev(after);
          ASSERT_LE(before->first + std::max<std::size_t>(before->second.first, 1), number(at));
        }
        const auto fill = static_cast<unsigned char>(random.below(256));
        std::memset(at, fill, bytes);
        model[number(at)] = {bytes, fill};
      } else {
        const auto victim = std::next(model.begin(), static_cast<std::ptrdiff_t>(random.below(model.size())));
        auto* at = reinterpret_cast<unsigned char*>(victim->first);
        for (std::size_t i = 0; i < victim->second.first; ++i) ASSERT_EQ(at[i], victim->second.second);
        K(ExFreePoolWithTag)(at, tag);
        model.erase(victim);
      }
      ASSERT_EQ(kernel().pool().outstanding(image).blocks, model.size());
    }
    for (const auto& [at, block] : model) K(ExFreePool)(reinterpret_cast<void*>(at));
    EXPECT_EQ(kernel().pool().bytes_in_use(), 0u);
  }
  EXPECT_EQ(violations(Rule::pool_bad_free) + violations(Rule::pool_double_free), 0u);
}

TEST_P(PoolTest, AnotherBootStartsAtTheSameAddresses) {
  const std::size_t before = kernel().memory().allocated_pages();
  void* small = nullptr;
  void* large = nullptr;
  {
    Pool pool(machine(), {.limit = 1 << 20});
    small = pool.allocate({.bytes = 40});
    large = pool.allocate({.bytes = 40000});
    pool.free(pool.allocate({.bytes = 40}));
    pool.allocate_contiguous({.kind = BlockKind::contiguous, .bytes = 40000}, 0, ~Pfn{0}, 0);
    EXPECT_EQ(kernel().memory().allocated_pages(), before + 1 + 10 + 10);
  }
  EXPECT_EQ(kernel().memory().allocated_pages(), before);
  Pool next(machine(), {.limit = 1 << 20});
  EXPECT_EQ(next.allocate({.bytes = 40}), small);
  EXPECT_EQ(next.allocate({.bytes = 40000}), large);
}

TEST_P(PoolTest, ItsStateCanBePutBack) {
  restart({.special_pool = SpecialPool::off});
  void* kept = K(ExAllocatePoolWithTag)(NonPagedPool, 40, tag);
  Pool::State state = kernel().pool().state();
  void* later = K(ExAllocatePoolWithTag)(NonPagedPool, 40, tag);
  K(ExFreePool)(kept);
  kernel().pool().restore(std::move(state));
  EXPECT_NE(kernel().pool().block_at(kept), nullptr);
  EXPECT_EQ(kernel().pool().block_at(later), nullptr);
  EXPECT_EQ(K(ExAllocatePoolWithTag)(NonPagedPool, 40, tag), later) << "goes on where it stood";
}

// ---- special pool ----

class SpecialPoolTest : public PoolTest {
 public:
  char* block(std::size_t bytes) { return static_cast<char*>(K(ExAllocatePoolWithTag)(NonPagedPoolNx, bytes, tag)); }
  bool readable(const void* at) { return kernel().memory().is_readable(at); }
  /// What is said of an access that faults. Nobody is there to catch one, so it is not made.
  std::string told_of(const void* at, machine::FaultAccess access = machine::FaultAccess::write) {
    machine::FaultReport report;
    report.kind = machine::FaultKind::access;
    report.access = access;
    report.address_known = true;
    report.address = number(at);
    return kernel().report_pool_fault(report) ? last_violation() : "";
  }
  std::vector<std::size_t> unguarded_;
};
DUMPSIM_BOTH_CONVENTIONS(SpecialPoolTest);

TEST_P(SpecialPoolTest, ABlockEndsWhereItsGuardBegins) {
  for (std::size_t bytes = 0; bytes <= 9000; bytes += bytes < 100 ? 1 : 113) {
    SCOPED_TRACE(bytes);
    char* at = block(bytes);
    ASSERT_NE(at, nullptr);
    EXPECT_EQ(number(at) % 16, 0u);
    if (bytes >= page_size) {
      EXPECT_EQ(number(at) % page_size, 0u);
    } else {
      EXPECT_EQ(number(at) / page_size, number(at + (bytes == 0 ? 0 : bytes - 1)) / page_size);
      EXPECT_LT(page_size - 1 - number(at + (bytes == 0 ? 1 : bytes) - 1) % page_size, 16u) << "no more than alignment";
    }
    char* end =
        reinterpret_cast<char*>((number(at) + std::max<std::size_t>(bytes, 1) + page_size - 1) / page_size * page_size);
    EXPECT_FALSE(readable(end));
    EXPECT_FALSE(readable(reinterpret_cast<char*>(number(at) / page_size * page_size) - 1));
    std::memset(at, 0x11, bytes);
    if (bytes % 2 == 0) K(ExFreePool)(at);
  }
  kernel().pool().check();
  EXPECT_EQ(violations(Rule::pool_overrun) + violations(Rule::pool_underrun), 0u);
}

TEST_P(SpecialPoolTest, OrBeginsWhereItBegins) {
  restart({.special_pool = SpecialPool::start});
  for (const std::size_t bytes : {1u, 16u, 100u, 4095u, 4096u, 5000u}) {
    char* at = block(bytes);
    EXPECT_EQ(number(at) % page_size, 0u);
    EXPECT_FALSE(readable(at - 1));
  }
}

TEST_P(SpecialPoolTest, CacheAlignedMeansACacheLine) {
  const auto type = static_cast<POOL_TYPE>(NonPagedPoolNx + 4);
  for (const std::size_t bytes : {1u, 40u, 100u, 1000u}) {
    EXPECT_EQ(number(K(ExAllocatePoolWithTag)(type, bytes, tag)) % 64, 0u);
    EXPECT_EQ(number(K(ExAllocatePool2)(POOL_FLAG_NON_PAGED | POOL_FLAG_CACHE_ALIGNED, bytes, tag)) % 64, 0u);
  }
  restart({.special_pool = SpecialPool::off});
  for (int i = 0; i < 300; ++i) {
    void* at = K(ExAllocatePoolWithTag)(type, 24, tag);
    EXPECT_EQ(number(at) % 64, 0u);
    if (i % 2 == 0) K(ExFreePool)(at);
  }
}

TEST_P(SpecialPoolTest, ContentsAreNothingToRelyOn) {
  const auto* raw = reinterpret_cast<const unsigned char*>(block(100));
  EXPECT_EQ(raw[0], static_cast<unsigned char>(Pool::fresh_byte));
  EXPECT_EQ(raw[99], static_cast<unsigned char>(Pool::fresh_byte));
  const auto* clean = static_cast<const char*>(K(ExAllocatePool2)(POOL_FLAG_NON_PAGED, 100, tag));
  EXPECT_EQ(clean[0], 0);
  EXPECT_EQ(clean[99], 0);
}

TEST_P(SpecialPoolTest, WhatWasFreedIsGoneForLong) {
  char* first = block(100);
  K(ExFreePool)(first);
  EXPECT_FALSE(readable(first));
  EXPECT_EQ(kernel().memory().address_of(kernel().memory().pfn_of(first)), nullptr) << "nor is there a page frame";
  for (int i = 0; i < 2000; ++i) {
    char* next = block(100);
    ASSERT_NE(next, first);
    K(ExFreePool)(next);
  }
  EXPECT_EQ(told_of(first + 8), "wrote at 8 of freed pool#1 'roX ' of ?, 100 bytes");
  // The bound: much is freed, and then the address comes again.
  const std::size_t pages = Pool::quarantine_pages / 8;
  for (int i = 0; i < 10; ++i) K(ExFreePool)(block(pages * page_size));
  EXPECT_THAT(told_of(first + 8), testing::Not(HasSubstr("pool#1 "))) << "another block's by now";
}

TEST_P(SpecialPoolTest, BytesBesideABlockAreLookedAt) {
  char* at = block(100);
  at[100] = 0;
  kernel().check_given_back(image + 1, trace::Callback::write, PASSIVE_LEVEL, {.returned = true});
  EXPECT_EQ(violations(Rule::pool_overrun), 0u) << "another's callback";
  kernel().check_given_back(image, trace::Callback::write, PASSIVE_LEVEL, {.returned = true});
  EXPECT_EQ(last_violation(), "1 byte was written behind the end of pool#1 'roX ' of ?, 100 bytes");
  kernel().check_given_back(image, trace::Callback::write, PASSIVE_LEVEL, {.returned = true});
  EXPECT_EQ(violations(Rule::pool_overrun), 1u) << "told once";
  std::memset(at - 8, 7, 4);
  K(ExFreePool)(at);
  EXPECT_EQ(last_violation(),
            "4 bytes were written before the start of pool#1 'roX ' of ?, 100 bytes; the nearest is 5 bytes away");
  char* far = block(16);
  far[-2000] = 1;
  kernel().check_given_back(image, trace::Callback::write, PASSIVE_LEVEL, {.returned = true});
  EXPECT_EQ(violations(Rule::pool_underrun), 1u) << "too far to be looked at after a callback";
  kernel().pool().check();
  EXPECT_EQ(violations(Rule::pool_underrun), 2u);
  EXPECT_THAT(last_violation(), HasSubstr("the nearest is 2000 bytes away"));
}

TEST_P(SpecialPoolTest, OnlySoManyBlocksAreLookedAtAfterEachCallback) {
  const auto after_a_callback = [&] {
    kernel().check_given_back(image, trace::Callback::write, PASSIVE_LEVEL, {.returned = true});
    return violations(Rule::pool_overrun);
  };
  block(page_size);  // nothing beside these needs watching: they take no place
  K(ExAllocatePoolWithTag)(PagedPool, 100, tag);
  std::vector<char*> blocks;
  for (std::size_t i = 0; i < Pool::watched_limit + 2; ++i) {
    blocks.push_back(block(100));
    blocks.back()[100] = 0;
  }
  EXPECT_EQ(after_a_callback(), Pool::watched_limit);
  EXPECT_EQ(last_violation(), "1 byte was written behind the end of pool#66 'roX ' of ?, 100 bytes");
  EXPECT_EQ(after_a_callback(), Pool::watched_limit) << "told once";
  K(ExFreePool)(blocks[Pool::watched_limit]);
  EXPECT_EQ(violations(Rule::pool_overrun), Pool::watched_limit + 1) << "the next one when it is freed";
  EXPECT_EQ(last_violation(), "1 byte was written behind the end of pool#67 'roX ' of ?, 100 bytes");
  kernel().pool().check();
  EXPECT_EQ(violations(Rule::pool_overrun), Pool::watched_limit + 2) << "and the last at the end";
  EXPECT_EQ(last_violation(), "1 byte was written behind the end of pool#68 'roX ' of ?, 100 bytes");
  // A place that is given up is the next new block's, not that of one that has none.
  K(ExFreePool)(blocks[0]);
  blocks.back()[100] = 0;
  EXPECT_EQ(after_a_callback(), Pool::watched_limit + 2);
  block(100)[100] = 0;
  EXPECT_EQ(after_a_callback(), Pool::watched_limit + 3);
  EXPECT_THAT(last_violation(), HasSubstr("pool#69 "));
}

TEST_P(SpecialPoolTest, AFaultBesideABlockIsThatBlocks) {
  char* at = block(512);
  EXPECT_EQ(told_of(at + 512), "wrote 0 bytes behind the end of pool#1 'roX ' of ?, 512 bytes");
  EXPECT_EQ(told_of(at + 512 + 4095, machine::FaultAccess::read),
            "read 4095 bytes behind the end of pool#1 'roX ' of ?, 512 bytes");
  EXPECT_EQ(violations(Rule::pool_overrun), 2u);
  const char* page = reinterpret_cast<const char*>(number(at) / page_size * page_size);
  EXPECT_EQ(told_of(page - 1), "wrote 3585 bytes before the start of pool#1 'roX ' of ?, 512 bytes");
  EXPECT_EQ(violations(Rule::pool_underrun), 1u);
  EXPECT_EQ(told_of(at + 100), "") << "a fault inside a block is something else";
  EXPECT_EQ(told_of(page - page_size - 1), "") << "and so is one that no block is near";
  EXPECT_EQ(kernel().words(at + 512 + 16), "pool#1+0x210 (behind its end)");
  EXPECT_EQ(kernel().words(page - 1), "pool#1-0xe01 (before its start)");
  K(ExFreePool)(at);
  EXPECT_EQ(told_of(at + 512), "wrote at 512 of freed pool#1 'roX ' of ?, 512 bytes");
}

TEST_P(SpecialPoolTest, ABufferThatTheTransferIsTooLongFor) {
  const PHYSICAL_ADDRESS any{.QuadPart = -1};
  auto* buffer = static_cast<char*>(K(MmAllocateContiguousMemory)(16 * page_size, any));
  PMDL mdl = K(IoAllocateMdl)(buffer, 16 * page_size, FALSE, FALSE, nullptr);
  const char* behind_mdl = reinterpret_cast<char*>(mdl) + sizeof(MDL) + 16 * sizeof(PFN_NUMBER);
  const auto told = [&](trace::Callback callback, std::uint32_t pages) {
    kernel().set_current(image, callback);
    kernel().set_transfer({.pages = pages, .max_pages = 16});
    told_of(buffer + 16 * page_size);
    told_of(behind_mdl);
    return violations(Rule::scratch_overrun);
  };
  EXPECT_EQ(told(trace::Callback::write, 16), 0u) << "this one fits";
  EXPECT_EQ(told(trace::Callback::read, 17), 0u);
  EXPECT_EQ(violations(Rule::pool_overrun), 4u);
  EXPECT_EQ(told(trace::Callback::write, 17), 2u);
  EXPECT_THAT(last_violation(), HasSubstr("it was made for 16 pages and the write spans 17"));
  char* shorter = block(15 * page_size);
  told_of(shorter + 15 * page_size);
  EXPECT_EQ(violations(Rule::scratch_overrun), 2u) << "made for something else";
}

TEST_P(SpecialPoolTest, PagedPoolIsGoneAtDispatchLevel) {
  auto* paged = static_cast<char*>(K(ExAllocatePoolWithTag)(PagedPool, 100, tag));
  char* nonpaged = block(100);
  KIRQL before = K(KfRaiseIrql)(DISPATCH_LEVEL);
  EXPECT_FALSE(readable(paged));
  EXPECT_TRUE(readable(nonpaged));
  machine().sections.page_in_at(paged);
  EXPECT_TRUE(readable(paged));
  K(KeLowerIrql)(before);
  PMDL mdl = K(IoAllocateMdl)(paged, 100, FALSE, FALSE, nullptr);
  K(MmProbeAndLockPages)(mdl, KernelMode, IoReadAccess);
  before = K(KfRaiseIrql)(DISPATCH_LEVEL);
  EXPECT_TRUE(readable(paged)) << "locked in memory";
  K(KeLowerIrql)(before);
  K(MmUnlockPages)(mdl);
  before = K(KfRaiseIrql)(DISPATCH_LEVEL);
  EXPECT_FALSE(readable(paged));
  EXPECT_EQ(K(MmLockPagableDataSection)(paged), paged) << "no section";
  EXPECT_FALSE(readable(paged));
  K(ExFreePool)(paged);
  EXPECT_EQ(violations(Rule::pool_overrun), 0u) << "what lies beside it can be looked at";
}

TEST_P(SpecialPoolTest, GuardsEndWhereTheHostsMappingsWould) {
  Pool pool(machine(),
            {.guarded_limit = 3, .hooks = {.context = this, .unguarded = [](void* self, std::size_t blocks) {
                                             static_cast<SpecialPoolTest*>(self)->unguarded_.push_back(blocks);
                                           }}});
  std::vector<std::byte*> blocks;
  for (int i = 0; i < 5; ++i) {
    blocks.push_back(pool.allocate({.bytes = 100}));
    EXPECT_EQ(pool.block_at(blocks.back())->guarded, i < 3);
  }
  EXPECT_THAT(unguarded_, ElementsAre(3u)) << "told once";
  pool.free(blocks[0]);
  EXPECT_TRUE(pool.block_at(pool.allocate({.bytes = 100}))->guarded) << "there is room again";
}

TEST_P(SpecialPoolTest, TagsAreCounted) {
  std::array<TagUse, 3> tags;
  restart({.tags = tags});
  void* first = K(ExAllocatePoolWithTag)(NonPagedPoolNx, 100, tag);
  void* second = K(ExAllocatePoolWithTag)(NonPagedPoolNx, 50, tag);
  K(ExFreePool)(first);
  K(ExFreePool)(second);
  K(ExAllocatePoolWithTag)(NonPagedPoolNx, 60, tag);
  K(ExAllocatePoolWithTag)(NonPagedPoolNx, 1, other);
  K(MmAllocateContiguousMemory)(4096, PHYSICAL_ADDRESS{.QuadPart = -1});
  K(ExAllocatePoolWithTag)(NonPagedPoolNx, 1, 0x6C6C7566);
  EXPECT_EQ(tags[0].tag, tag);
  EXPECT_EQ(tags[0].image, image);
  EXPECT_EQ(tags[0].allocations, 3u);
  EXPECT_EQ(tags[0].frees, 2u);
  EXPECT_EQ(tags[0].bytes, 60u);
  EXPECT_EQ(tags[0].most_bytes, 150u);
  EXPECT_EQ(tags[1].tag, other);
  EXPECT_EQ(tags[2].kind, BlockKind::contiguous);
}

TEST_P(SpecialPoolTest, OneDriverHasAQuota) {
  restart({.memory_limit = 1000});
  EXPECT_NE(block(600), nullptr);
  EXPECT_EQ(block(600), nullptr);
  EXPECT_EQ(last_violation(), "has 1 block with 600 bytes and asked for 600 more; limits.memory is 1000");
  EXPECT_EQ(block(600), nullptr);
  EXPECT_EQ(violations(Rule::pool_quota_exceeded), 1u) << "told once";
  kernel().set_current(image + 1, trace::Callback::driver_entry);
  EXPECT_NE(block(600), nullptr) << "another driver has its own";
}

TEST_P(SpecialPoolTest, TagsAndExecutableMemoryAreToldWhenAskedFor) {
  K(ExAllocatePool)(NonPagedPoolNx, 8);
  EXPECT_EQ(last_violation(), "ExAllocatePool: 8 bytes with the tag 'enoN'");
  K(ExAllocatePoolWithTag)(NonPagedPoolNx, 8, 0);
  EXPECT_EQ(last_violation(), "ExAllocatePoolWithTag: 8 bytes with no tag");
  K(ExAllocatePoolWithTag)(NonPagedPoolNx, 8, 0x206D6457);
  EXPECT_EQ(violations(Rule::pool_default_tag), 3u);
  EXPECT_EQ(violations(Rule::pool_executable), 0u);
  K(ExAllocatePoolWithTag)(NonPagedPool, 8, tag);
  EXPECT_EQ(last_violation(), "ExAllocatePoolWithTag: 8 bytes of executable pool");
  K(ExAllocatePool2)(POOL_FLAG_NON_PAGED_EXECUTE, 8, tag);
  const PHYSICAL_ADDRESS none{.QuadPart = 0};
  const PHYSICAL_ADDRESS any{.QuadPart = -1};
  K(MmAllocateContiguousNodeMemory)(4096, none, any, none, PAGE_EXECUTE_READWRITE, MM_ANY_NODE_OK);
  EXPECT_EQ(violations(Rule::pool_executable), 3u);
  K(ExAllocatePoolWithTag)(PagedPool, 8, tag);
  K(MmAllocateContiguousMemory)(4096, any);
  EXPECT_EQ(violations(Rule::pool_executable), 3u) << "nobody asked for that";
}

TEST_P(SpecialPoolTest, MemoryInACrashIsARuleOfItsOwn) {
  kernel().set_current(image, trace::Callback::write);
  set_irql(HIGH_LEVEL);
  void* at = block(8);
  EXPECT_EQ(last_violation(), "ExAllocatePoolWithTag called at IRQL 15, its documented maximum is 2");
  set_irql(DISPATCH_LEVEL);
  K(ExFreePool)(at);
  EXPECT_EQ(violations(Rule::pool_used_while_crashing), 1u);
  kernel().scheduler().freeze(true);
  kernel().set_current(image, trace::Callback::finish);
  at = block(8);
  EXPECT_EQ(last_violation(), "ExAllocatePoolWithTag called at IRQL 2 while a dump is written");
  kernel().set_current(image, trace::Callback::driver_entry);
  K(ExFreePool)(at);
  EXPECT_EQ(violations(Rule::pool_used_while_crashing), 2u) << "only in what a dump calls";
  EXPECT_EQ(violations(Rule::irql_too_high), 0u);
}

}  // namespace
}  // namespace dumpsim::kernel::test
