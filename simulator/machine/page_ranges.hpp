// SPDX-License-Identifier: Apache-2.0
// Which pages of an address range are free: first fit at the lowest address, so that the same requests in the same
// order give the same addresses in every run. Used for the arena and for the area of second addresses.
#pragma once

#include <cstddef>
#include <map>
#include <optional>

namespace dumpsim::machine {

class PageRanges {
 public:
  explicit PageRanges(std::size_t pages) : pages_(pages) {
    if (pages != 0) free_.emplace(0, pages);
  }

  /// The first page of `count` free ones in a row, at the lowest place; no value when there are none (or count is 0).
  std::optional<std::size_t> take(std::size_t count) {
    if (count == 0) return std::nullopt;
    for (auto range = free_.begin(); range != free_.end(); ++range) {
      if (range->second < count) continue;
      const std::size_t first = range->first;
      const std::size_t left = range->second - count;
      free_.erase(range);
      if (left != 0) free_.emplace(first + count, left);
      taken_ += count;
      return first;
    }
    return std::nullopt;
  }

  /// REQUIRES: the pages are taken.
  void give_back(std::size_t first, std::size_t count) {
    auto behind = free_.lower_bound(first);
    if (behind != free_.begin()) {
      const auto before = std::prev(behind);
      if (before->first + before->second == first) {
        first = before->first;
        count += before->second;
        taken_ += before->second;
        free_.erase(before);
      }
    }
    if (behind != free_.end() && first + count == behind->first) {
      count += behind->second;
      taken_ += behind->second;
      free_.erase(behind);
    }
    free_.emplace(first, count);
    taken_ -= count;
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
