// SPDX-License-Identifier: Apache-2.0
// The page allocator against the plainest model there is: an array of "taken" flags, searched from the front.
#include "machine/page_ranges.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "base/random.hpp"

namespace dumpsim::machine {
namespace {

constexpr std::size_t pages = 200;

std::optional<std::size_t> model_take(std::vector<bool>& taken, std::size_t count, const PageRanges::Limits& limits) {
  const std::size_t around = limits.around;
  for (std::size_t first = std::max(limits.lowest, around); first + count + around <= pages; ++first) {
    if (first + count - 1 > limits.highest) break;
    if (limits.boundary != 0 &&
        (first + limits.bias) / limits.boundary != (first + limits.bias + count - 1) / limits.boundary) {
      continue;
    }
    bool free = true;
    for (std::size_t i = 0; i < count + 2 * around; ++i) free = free && !taken[first - around + i];
    if (!free) continue;
    for (std::size_t i = 0; i < count + 2 * around; ++i) taken[first - around + i] = true;
    return first - around;
  }
  return std::nullopt;
}

TEST(PageRanges, AgreesWithAnArrayOfFlags) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    PageRanges ranges(pages);
    std::vector<bool> taken(pages);
    std::vector<std::pair<std::size_t, std::size_t>> held;
    for (int step = 0; step < 2000; ++step) {
      if (random.below(2) == 0 || held.empty()) {
        const std::size_t count = 1 + random.below(12);
        PageRanges::Limits limits;
        if (random.below(2) == 0) limits.lowest = random.below(pages);
        if (random.below(2) == 0) limits.highest = random.below(pages);
        if (random.below(2) == 0) limits.boundary = std::size_t{16} << random.below(2);
        limits.bias = random.below(40);
        limits.around = random.below(3);
        const auto got = ranges.take(count, limits);
        ASSERT_EQ(got, model_take(taken, count, limits)) << "step " << step;
        if (got) held.emplace_back(*got, count + 2 * limits.around);
      } else {
        const std::size_t which = random.below(held.size());
        const auto [first, count] = held[which];
        held.erase(held.begin() + static_cast<std::ptrdiff_t>(which));
        ranges.give_back(first, count);
        for (std::size_t i = 0; i < count; ++i) taken[first + i] = false;
      }
      std::size_t sum = 0;
      for (std::size_t page = 0; page < pages; ++page) {
        ASSERT_EQ(ranges.is_taken(page), taken[page]) << "page " << page << " in step " << step;
        sum += taken[page] ? 1 : 0;
      }
      ASSERT_EQ(ranges.taken(), sum);
    }
  }
}

TEST(PageRanges, RefusesWhatCannotFit) {
  PageRanges ranges(10);
  EXPECT_FALSE(ranges.take(0));
  EXPECT_FALSE(ranges.take(11));
  EXPECT_FALSE(ranges.take(5, {.boundary = 4}));
  EXPECT_EQ(ranges.take(10), std::size_t{0});
  EXPECT_FALSE(ranges.take(1));
  EXPECT_FALSE(ranges.is_taken(10)) << "beyond the range nothing is taken";
}

}  // namespace
}  // namespace dumpsim::machine
