// SPDX-License-Identifier: Apache-2.0
// Runs and bitmaps must answer alike: both against std::set as the model, under printed seeds.
#include "dumpfile/page_set.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "base/random.hpp"
#include "written_dump.hpp"

namespace dumpsim::dumpfile {
namespace {

using testing::HasSubstr;

PageSet set_of(std::vector<PageRun> runs) {
  Result<PageSet> set = PageSet::of_runs(runs);
  EXPECT_TRUE(set) << set.error().message;
  return *std::move(set);
}

PageSet bitmap_of(const std::set<Pfn>& pages, std::uint64_t bits) {
  std::vector<std::uint64_t> words(bits / 64 + 1);
  for (const Pfn pfn : pages) words[pfn / 64] |= std::uint64_t{1} << pfn % 64;
  return PageSet::of_bitmap(std::move(words), bits);
}

void expect_matches(const PageSet& set, const std::set<Pfn>& model, Random& random) {
  ASSERT_EQ(set.count(), model.size());
  ASSERT_EQ(set.end(), model.empty() ? 0 : *model.rbegin() + 1);
  const std::vector<Pfn> order(model.begin(), model.end());
  const Pfn beyond = set.end() + 130;
  for (int i = 0; i < 300; ++i) {
    const Pfn pfn = random.below(beyond);
    const auto from = model.lower_bound(pfn);
    ASSERT_EQ(set.contains(pfn), model.count(pfn) == 1) << pfn;
    ASSERT_EQ(set.rank(pfn), static_cast<std::uint64_t>(std::distance(model.begin(), from))) << pfn;
    const std::uint64_t limit = 1 + random.below(100);
    const auto next = set.next(pfn, limit);
    ASSERT_EQ(next.has_value(), from != model.end()) << pfn;
    if (next) {
      ASSERT_EQ(next->base, *from);
      ASSERT_LE(next->pages, limit);
      for (Pfn page = next->base; page < next->base + next->pages; ++page) ASSERT_EQ(model.count(page), 1u) << page;
    }
    if (!order.empty()) {
      const std::size_t index = random.below(order.size());
      const PageRun at = set.at(index, limit);
      ASSERT_EQ(at.base, order[index]);
      ASSERT_TRUE(at.pages >= 1 && at.pages <= limit);
      ASSERT_EQ(order[index + at.pages - 1], at.base + at.pages - 1);
    }
    std::vector<std::byte> bytes(1 + random.below(50));
    const std::uint64_t offset = random.below(beyond / 8 + 20);
    set.bitmap_bytes(offset, bytes);
    for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
      ASSERT_EQ((bytes[bit / 8] >> bit % 8 & std::byte{1}) == std::byte{1}, model.count(offset * 8 + bit) == 1)
          << "bit " << offset * 8 + bit;
    }
  }
}

TEST(PageSet, RunsAndBitmapsAgreeWithTheModel) {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    const std::vector<PageRun> runs = random_runs(random, 1 + random.below(60));
    std::set<Pfn> model;
    for (const PageRun& run : runs) {
      for (Pfn pfn = run.base; pfn < run.base + run.pages; ++pfn) model.insert(pfn);
    }
    expect_matches(set_of(runs), model, random);
    expect_matches(bitmap_of(model, runs.back().base + runs.back().pages), model, random);
  }
}

TEST(PageSet, DenseAndLongBitmapsAgreeWithTheModel) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    std::set<Pfn> model;
    for (Pfn pfn = 0; pfn < 20000; ++pfn) {
      if (random.below(10) < seed) model.insert(pfn);
    }
    expect_matches(bitmap_of(model, 20000), model, random);
  }
}

TEST(PageSet, EmptyIsEmptyEitherWay) {
  Random random(1);
  expect_matches(PageSet(), {}, random);
  expect_matches(set_of({}), {}, random);
  expect_matches(bitmap_of({}, 700), {}, random);
}

TEST(PageSet, BitsBeyondTheEndAreIgnored) {
  const PageSet set = PageSet::of_bitmap({~std::uint64_t{0}, ~std::uint64_t{0}}, 70);
  EXPECT_EQ(set.count(), 70u);
  EXPECT_EQ(set.end(), 70u);
  EXPECT_FALSE(set.contains(70));
}

TEST(PageSet, RefusesRunsThatAreNone) {
  const auto message = [](std::vector<PageRun> runs) {
    Result<PageSet> set = PageSet::of_runs(runs);
    return set ? std::string() : set.error().message;
  };
  EXPECT_EQ(message({{0, 4}, {4, 4}}), "");
  EXPECT_THAT(message({{0, 4}, {5, 0}}), HasSubstr("run 1 (pfn 0x5) is empty"));
  EXPECT_THAT(message({{0, 4}, {3, 4}}), HasSubstr("run 1 (pfn 0x3) begins before the end of run 0 (pfn 0x4)"));
  EXPECT_THAT(message({{8, 4}, {0, 4}}), HasSubstr("run 1 (pfn 0x0) begins before"));
  EXPECT_THAT(message({{1, UINT64_MAX}}), HasSubstr("52 bits"));
  EXPECT_THAT(message({{UINT64_MAX, 1}}), HasSubstr("52 bits"));
}

TEST(PageSet, AShareIsOneAndStaysInMemory) {
  const std::vector<PageRun> memory = {{1, 0x9E}, {0x100, 0x8000}};
  const PageSet all = set_of(memory);
  for (const std::uint32_t per_mille : {0u, 1u, 400u, 999u, 1000u}) {
    Result<PageSet> share = PageSet::share_of(memory, per_mille, 11);
    ASSERT_TRUE(share);
    EXPECT_GE(share->count(), 1u);
    const double part = static_cast<double>(share->count()) / static_cast<double>(all.count());
    EXPECT_NEAR(part, per_mille / 1000.0, 0.03) << per_mille;
    for (auto run = share->next(0); run; run = share->next(run->base + run->pages)) {
      EXPECT_EQ(all.rank(run->base + run->pages) - all.rank(run->base), run->pages);
    }
  }
  EXPECT_EQ(PageSet::share_of(memory, 1000, 3)->count(), all.count());
  EXPECT_EQ(PageSet::share_of(memory, 400, 5)->next(500)->base, PageSet::share_of(memory, 400, 5)->next(500)->base);
  EXPECT_FALSE(PageSet::share_of({}, 400, 5));
  const std::vector<PageRun> far = {{bitmap_limit, 1}};
  EXPECT_FALSE(PageSet::share_of(far, 400, 5));
}

TEST(PageSet, TakesPagesInAndOut) {
  const std::vector<PageRun> runs{{4, 4}, {64, 100}, {300, 1}};
  std::vector<std::uint64_t> words(5);
  for (const PageRun& run : runs) {
    for (Pfn pfn = run.base; pfn < run.base + run.pages; ++pfn) words[pfn / 64] |= std::uint64_t{1} << pfn % 64;
  }
  const std::vector<PageRun> added{{1000, 70}, {2, 3}, {1010, 5}}, removed{{100, 30}, {300, 1}, {1001, 1}, {5000, 9}};
  const PageSet by_runs = *PageSet::of_runs(runs), by_bits = PageSet::of_bitmap(words, 320);
  for (const PageSet& set : {by_runs, by_bits}) {
    const PageSet now = *set.changed(added, removed);
    for (Pfn pfn = 0; pfn < 1200; ++pfn) {
      const auto in = [pfn](const std::vector<PageRun>& list) {
        return std::any_of(list.begin(), list.end(),
                           [pfn](const PageRun& run) { return pfn >= run.base && pfn - run.base < run.pages; });
      };
      ASSERT_EQ(now.contains(pfn), (in(runs) || in(added)) && !in(removed)) << pfn;
    }
    EXPECT_EQ(now.count(), 4u + 100 + 1 + 2 + 70 - 30 - 1 - 1);
    EXPECT_EQ(set.changed({}, {})->count(), set.count());
    EXPECT_TRUE(set.changed({}, std::vector<PageRun>{{0, 1 << 20}})->empty());
    EXPECT_FALSE(set.changed(std::vector<PageRun>{{bitmap_limit - 1, 2}}, {}));
  }
}

}  // namespace
}  // namespace dumpsim::dumpfile
