// SPDX-License-Identifier: Apache-2.0
// Which pages of an address range are free: first fit at the lowest address, so that the same requests in the same
// order give the same addresses in every run. Used for the arena and for the area of second addresses.
#pragma once

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <map>
#include <optional>

namespace dumpsim::machine {

class PageRanges {
 public:
  explicit PageRanges(std::size_t pages) : pages_(pages) {
    if (pages != 0) free_.emplace(0, pages);
  }

  /// Where a request may lie: first page >= lowest, last page <= highest, and no page number + `bias` that is a
  /// multiple of `boundary` inside (0: no boundary).
  struct Limits {
    std::size_t lowest = 0;
    std::size_t highest = ~std::size_t{0};
    std::size_t boundary = 0;
    std::size_t bias = 0;
    /// Pages before and behind those asked for that are taken with them and have no limits: guards.
    std::size_t around = 0;
  };

  /// The first page of `count` free ones in a row, at the lowest place; no value when there are none (or count is 0).
  /// With pages around, the first of those.
  std::optional<std::size_t> take(std::size_t count) { return take(count, Limits()); }
  std::optional<std::size_t> take(std::size_t count, const Limits& limits) {
    if (count == 0 || (limits.boundary != 0 && count > limits.boundary)) return std::nullopt;
    for (auto range = free_.begin(); range != free_.end(); ++range) {
      std::size_t first = std::max(range->first + limits.around, limits.lowest);
      if (limits.boundary != 0) {
        const std::size_t into = (first + limits.bias) % limits.boundary;
        if (into + count > limits.boundary) first += limits.boundary - into;
      }
      const std::size_t end = range->first + range->second;
      if (first >= end || end - first < count + limits.around) continue;
      if (first > limits.highest || count - 1 > limits.highest - first) return std::nullopt;  // later ones lie higher
      first -= limits.around;
      count += 2 * limits.around;
      const std::size_t before = first - range->first;
      const std::size_t after = end - first - count;
      if (before == 0) {
        free_.erase(range);
      } else {
        range->second = before;
      }
      if (after != 0) free_.emplace(first + count, after);
      taken_ += count;
      return first;
    }
    return std::nullopt;
  }

  /// REQUIRES: the pages are taken.
  void give_back(std::size_t first, std::size_t count) {
    taken_ -= count;
    auto behind = free_.lower_bound(first);
    if (behind != free_.end() && first + count == behind->first) {
      count += behind->second;
      behind = free_.erase(behind);
    }
    if (behind != free_.begin()) {
      const auto before = std::prev(behind);
      if (before->first + before->second == first) {
        before->second += count;
        return;
      }
    }
    free_.emplace_hint(behind, first, count);
  }

  bool is_taken(std::size_t page) const {
    if (page >= pages_) return false;
    const auto behind = free_.upper_bound(page);
    if (behind == free_.begin()) return true;
    const auto range = std::prev(behind);
    return page >= range->first + range->second;
  }
  std::size_t taken() const { return taken_; }

 private:
  std::size_t pages_;
  std::size_t taken_ = 0;
  std::map<std::size_t, std::size_t> free_;  // first page to count
};

}  // namespace dumpsim::machine
