// SPDX-License-Identifier: Apache-2.0
// Rank and selection over ascending runs or over a bitmap. The bitmap keeps a running count every 8 words (an eighth of
// its size), so that both cost a binary search and at most 8 population counts.
#include "dumpfile/page_set.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cassert>
#include <cstring>
#include <utility>

#include "base/random.hpp"

namespace dumpsim::dumpfile {
namespace {

constexpr std::size_t words_per_block = 8;
constexpr Pfn cluster = 16;

/// The run that holds `pfn` or the first one behind it.
std::vector<PageRun>::const_iterator run_at_or_after(const std::vector<PageRun>& runs, Pfn pfn) {
  return std::partition_point(runs.begin(), runs.end(),
                              [pfn](const PageRun& run) { return run.base + run.pages <= pfn; });
}

/// Ascending, apart and not touching.
std::vector<PageRun> in_order(std::span<const PageRun> runs) {
  std::vector<PageRun> sorted(runs.begin(), runs.end());
  std::sort(sorted.begin(), sorted.end(), [](const PageRun& a, const PageRun& b) { return a.base < b.base; });
  std::vector<PageRun> merged;
  for (const PageRun& run : sorted) {
    if (run.pages == 0) continue;
    if (merged.empty() || run.base > merged.back().base + merged.back().pages) {
      merged.push_back(run);
    } else {
      PageRun& last = merged.back();
      last.pages = std::max(last.base + last.pages, run.base + run.pages) - last.base;
    }
  }
  return merged;
}

void set_bits(std::vector<std::uint64_t>& words, const PageRun& run, bool value) {
  const Pfn end = std::min<Pfn>(run.base + run.pages, words.size() * 64);
  for (Pfn at = run.base; at < end;) {
    const Pfn stop = std::min(end, (at / 64 + 1) * 64);
    const std::uint64_t ones = stop - at == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << (stop - at)) - 1;
    const std::uint64_t mask = ones << at % 64;
    words[at / 64] = value ? words[at / 64] | mask : words[at / 64] & ~mask;
    at = stop;
  }
}

}  // namespace

Result<PageSet> PageSet::of_runs(std::span<const PageRun> runs) {
  PageSet set;
  set.runs_.reserve(runs.size());
  set.before_.reserve(runs.size());
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const PageRun& run = runs[i];
    if (run.pages == 0)
      return Error{fmt::format("run {} (pfn {:#x}) is empty, expected at least one page", i, run.base)};
    if (run.base >= pfn_limit || run.pages > pfn_limit - run.base) {
      return Error{fmt::format("run {} (pfn {:#x}, {:#x} pages) passes the 52 bits of a physical address", i, run.base,
                               run.pages)};
    }
    if (run.base < set.end_) {
      return Error{
          fmt::format("run {} (pfn {:#x}) begins before the end of run {} (pfn {:#x}), expected ascending runs "
                      "that do not overlap",
                      i, run.base, i - 1, set.end_)};
    }
    set.runs_.push_back(run);
    set.before_.push_back(set.count_);
    set.count_ += run.pages;
    set.end_ = run.base + run.pages;
  }
  return set;
}

PageSet PageSet::of_bitmap(std::vector<std::uint64_t> words, std::uint64_t bits) {
  assert(bits <= words.size() * 64);
  PageSet set;
  words.resize(bits / 64 + (bits % 64 != 0));
  if (bits % 64 != 0) words.back() &= (std::uint64_t{1} << bits % 64) - 1;
  set.words_ = std::move(words);
  set.index_words();
  return set;
}

Result<PageSet> PageSet::share_of(std::span<const PageRun> runs, std::uint32_t per_mille, std::uint64_t seed) {
  assert(per_mille <= 1000);
  const Result<PageSet> all = of_runs(runs);
  if (!all) return all.error();
  const Pfn end = all->end();
  if (end == 0) return Error{"no memory to choose a dump's pages from, expected at least one run"};
  if (end > bitmap_limit) {
    return Error{fmt::format("memory reaches to pfn {:#x}, and a selection of pages reaches to {:#x} (16 TiB)", end - 1,
                             bitmap_limit)};
  }
  std::vector<std::uint64_t> words(end / 64 + 1);
  for (const PageRun& run : runs) {
    for (Pfn pfn = run.base; pfn < run.base + run.pages;) {
      const Pfn next = std::min(run.base + run.pages, (pfn / cluster + 1) * cluster);
      // The random number's upper half scaled to 0..999.
      const std::uint64_t draw = (mix64(seed ^ mix64(pfn / cluster + 1)) >> 32) * 1000 >> 32;
      // A cluster lies within one word.
      if (draw < per_mille) words[pfn / 64] |= ((std::uint64_t{1} << (next - pfn)) - 1) << pfn % 64;
      pfn = next;
    }
  }
  PageSet set = of_bitmap(std::move(words), end);
  if (!set.empty()) return set;
  // A draw that left nothing: one page of the first run stands for it, so that the dump is a dump.
  std::vector<std::uint64_t> one(runs.front().base / 64 + 1);
  one.back() = std::uint64_t{1} << runs.front().base % 64;
  return of_bitmap(std::move(one), runs.front().base + 1);
}

Result<PageSet> PageSet::changed(std::span<const PageRun> added, std::span<const PageRun> removed) const {
  for (const PageRun& run : added) {
    if (run.base >= bitmap_limit || run.pages > bitmap_limit - run.base) {
      return Error{fmt::format("pages from pfn {:#x} on ({}) pass pfn {:#x}, the end of a bitmap (16 TiB)", run.base,
                               run.pages, bitmap_limit)};
    }
  }
  const std::vector<PageRun> in = in_order(added), out = in_order(removed);
  if (!words_.empty()) {
    std::vector<std::uint64_t> words = words_;
    if (!in.empty()) words.resize(std::max<std::size_t>(words.size(), (in.back().base + in.back().pages + 63) / 64));
    for (const PageRun& run : in) set_bits(words, run, true);
    for (const PageRun& run : out) set_bits(words, run, false);
    const std::uint64_t bits = words.size() * 64;
    return of_bitmap(std::move(words), bits);
  }
  std::vector<PageRun> all = runs_;
  all.insert(all.end(), in.begin(), in.end());
  std::vector<PageRun> left;
  auto gone = out.begin();
  for (const PageRun& run : in_order(all)) {
    Pfn at = run.base;
    const Pfn end = run.base + run.pages;
    while (gone != out.end() && gone->base + gone->pages <= at) ++gone;
    for (auto each = gone; each != out.end() && each->base < end; ++each) {
      if (each->base > at) left.push_back({at, each->base - at});
      at = std::max(at, std::min(end, each->base + each->pages));
    }
    if (at < end) left.push_back({at, end - at});
  }
  return of_runs(left);
}

void PageSet::index_words() {
  while (!words_.empty() && words_.back() == 0) words_.pop_back();
  before_.reserve(words_.size() / words_per_block + 1);
  for (std::size_t i = 0; i < words_.size(); ++i) {
    if (i % words_per_block == 0) before_.push_back(count_);
    count_ += static_cast<std::uint64_t>(std::popcount(words_[i]));
  }
  end_ = words_.empty() ? 0 : words_.size() * 64 - static_cast<std::uint64_t>(std::countl_zero(words_.back()));
}

bool PageSet::contains(Pfn pfn) const {
  if (pfn >= end_) return false;
  if (!words_.empty()) return (words_[pfn / 64] >> pfn % 64 & 1) != 0;
  return run_at_or_after(runs_, pfn)->base <= pfn;
}

std::uint64_t PageSet::rank(Pfn pfn) const {
  if (pfn >= end_) return count_;
  if (words_.empty()) {
    const auto run = run_at_or_after(runs_, pfn);
    const std::uint64_t before = before_[static_cast<std::size_t>(run - runs_.begin())];
    return before + (pfn > run->base ? pfn - run->base : 0);
  }
  const std::size_t word = pfn / 64;
  std::uint64_t rank = before_[word / words_per_block];
  for (std::size_t i = word / words_per_block * words_per_block; i < word; ++i) {
    rank += static_cast<std::uint64_t>(std::popcount(words_[i]));
  }
  return rank + static_cast<std::uint64_t>(std::popcount(words_[word] & ((std::uint64_t{1} << pfn % 64) - 1)));
}

std::optional<PageRun> PageSet::next(Pfn from, std::uint64_t limit) const {
  if (from >= end_ || limit == 0) return std::nullopt;
  if (words_.empty()) {
    const auto run = run_at_or_after(runs_, from);
    const Pfn base = std::max(from, run->base);
    return PageRun{base, std::min(limit, run->base + run->pages - base)};
  }
  std::size_t word = from / 64;
  std::uint64_t rest = words_[word] >> from % 64 << from % 64;
  while (rest == 0) rest = words_[++word];  // ends: bit end_ - 1 is set and from < end_
  const Pfn base = word * 64 + static_cast<Pfn>(std::countr_zero(rest));
  // Ones from `base` on, word by word.
  std::uint64_t pages = 0;
  Pfn at = base;
  while (pages < limit && at < words_.size() * 64) {
    const auto ones = static_cast<std::uint64_t>(std::countr_one(words_[at / 64] >> at % 64));
    pages += ones;
    at += ones;
    if (ones == 0 || at % 64 != 0) break;
  }
  return PageRun{base, std::min(limit, pages)};
}

PageRun PageSet::at(std::uint64_t index, std::uint64_t limit) const {
  assert(index < count_ && limit > 0);
  const auto block =
      static_cast<std::size_t>(std::upper_bound(before_.begin(), before_.end(), index) - before_.begin()) - 1;
  std::uint64_t left = index - before_[block];
  if (words_.empty()) return {runs_[block].base + left, std::min(limit, runs_[block].pages - left)};
  std::size_t word = block * words_per_block;
  for (;; ++word) {
    const auto ones = static_cast<std::uint64_t>(std::popcount(words_[word]));
    if (left < ones) break;
    left -= ones;
  }
  std::uint64_t rest = words_[word];
  for (; left != 0; --left) rest &= rest - 1;
  return *next(word * 64 + static_cast<Pfn>(std::countr_zero(rest)), limit);
}

void PageSet::bitmap_bytes(std::uint64_t offset, std::span<std::byte> out) const {
  if (out.empty()) return;
  std::fill(out.begin(), out.end(), std::byte{0});
  if (!words_.empty()) {
    const std::uint64_t size = words_.size() * 8;
    if (offset < size) {
      const auto* from = reinterpret_cast<const std::byte*>(words_.data()) + offset;
      std::memcpy(out.data(), from, std::min<std::uint64_t>(out.size(), size - offset));
    }
    return;
  }
  if (offset > pfn_limit / 8) return;
  const Pfn begin = offset * 8, end = begin + out.size() * 8;
  for (auto run = run_at_or_after(runs_, begin); run != runs_.end() && run->base < end; ++run) {
    Pfn at = std::max(begin, run->base) - begin;
    const Pfn stop = std::min(end, run->base + run->pages) - begin;
    for (; at < stop && at % 8 != 0; ++at) out[at / 8] |= std::byte{1} << at % 8;
    std::fill(out.begin() + static_cast<std::ptrdiff_t>(at / 8),
              out.begin() + static_cast<std::ptrdiff_t>(std::max(at, stop) / 8), std::byte{0xFF});
    for (at = std::max(at, stop / 8 * 8); at < stop; ++at) out[at / 8] |= std::byte{1} << at % 8;
  }
}

}  // namespace dumpsim::dumpfile
