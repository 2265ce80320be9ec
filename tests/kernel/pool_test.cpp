// SPDX-License-Identifier: Apache-2.0
// Pool and contiguous memory: alignment and zeroing as documented, who holds what, and every way to free wrongly.
#include <cstring>
#include <map>

#include "base/random.hpp"
#include "kernel_fixture.hpp"

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
    Pool pool(kernel().memory(), 1 << 20);
    small = pool.allocate({.bytes = 40});
    large = pool.allocate({.bytes = 40000});
    pool.allocate_contiguous({.kind = BlockKind::contiguous, .bytes = 40000}, 0, ~Pfn{0}, 0);
    EXPECT_EQ(kernel().memory().allocated_pages(), before + 16 + 10 + 10);
  }
  EXPECT_EQ(kernel().memory().allocated_pages(), before);
  Pool next(kernel().memory(), 1 << 20);
  EXPECT_EQ(next.allocate({.bytes = 40}), small);
  EXPECT_EQ(next.allocate({.bytes = 40000}), large);
}

TEST_P(PoolTest, ItsStateCanBePutBack) {
  void* kept = K(ExAllocatePoolWithTag)(NonPagedPool, 40, tag);
  Pool::State state = kernel().pool().state();
  void* later = K(ExAllocatePoolWithTag)(NonPagedPool, 40, tag);
  K(ExFreePool)(kept);
  kernel().pool().restore(std::move(state));
  EXPECT_NE(kernel().pool().block_at(kept), nullptr);
  EXPECT_EQ(kernel().pool().block_at(later), nullptr);
  EXPECT_EQ(K(ExAllocatePoolWithTag)(NonPagedPool, 40, tag), later) << "goes on where it stood";
}

}  // namespace
}  // namespace dumpsim::kernel::test
