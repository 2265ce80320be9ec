// SPDX-License-Identifier: Apache-2.0
// One pass in file order: what lies before the pages, the pages in runs, what lies behind them.
#include "dumpfile/compare_paths.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <span>
#include <vector>

namespace dumpsim::dumpfile {
namespace {

constexpr std::uint64_t batch_pages = 8;  // as in compare.cpp
constexpr std::uint64_t batch_bytes = batch_pages * page_size;

class PathComparer {
 public:
  PathComparer(const ByteReader& first, const ByteReader* second, const DumpReader* layout, const MemorySource& source,
               std::uint64_t bytes, std::uint32_t sector_size)
      : first_(first), second_(second), layout_(layout), source_(source), end_(bytes), sector_(sector_size) {
    for (std::vector<std::byte>* buffer : {&a_, &b_, &m_}) buffer->resize(batch_bytes);
  }

  Result<PathComparison> run() {
    if (layout_ == nullptr) {
      if (auto done = plain(0, end_); !done) return done.error();
      return result_;
    }
    const std::uint64_t pages_begin = std::min(end_, layout_->first_page_offset());
    if (auto done = plain(0, pages_begin); !done) return done.error();
    std::uint64_t at = pages_begin;
    Pfn from = 0;
    while (const std::optional<PageRun> run = layout_->pages().next(from, batch_pages)) {
      const std::uint64_t bytes = run->pages * page_size;
      if (at + bytes > end_) break;
      if (auto done = pages(at, *run); !done) return done.error();
      at += bytes;
      from = run->base + run->pages;
    }
    if (auto done = plain(at, end_); !done) return done.error();
    if (auto healthy = source_.health(); !healthy) return std::move(healthy).error();
    return result_;
  }

 private:
  Result<void> read(std::uint64_t at, std::size_t bytes) {
    if (auto done = first_.read_at(at, std::span(a_).first(bytes)); !done) return done;
    if (second_ != nullptr) return second_->read_at(at, std::span(b_).first(bytes));
    return {};
  }
  bool same(const std::vector<std::byte>& x, const std::vector<std::byte>& y, std::size_t offset) const {
    return std::memcmp(x.data() + offset, y.data() + offset, sector_) == 0;
  }

  /// Nothing is known of these bytes but that both should be alike.
  Result<void> plain(std::uint64_t from, std::uint64_t to) {
    if (second_ == nullptr) return {};
    for (std::uint64_t at = from; at < to; at += batch_bytes) {
      const std::size_t bytes = std::min(batch_bytes, to - at);
      if (auto done = read(at, bytes); !done) return done;
      for (std::size_t offset = 0; offset < bytes; offset += sector_) {
        ++result_.sectors;
        if (!same(a_, b_, offset)) differ(at + offset, std::nullopt, PathComparison::Right::unknown);
      }
    }
    return {};
  }

  Result<void> pages(std::uint64_t at, const PageRun& run) {
    const std::size_t bytes = run.pages * page_size;
    if (auto done = read(at, bytes); !done) return done;
    source_.read_pages(run.base, run.pages, m_.data());
    if (second_ == nullptr) std::memcpy(b_.data(), m_.data(), bytes);
    result_.pages += run.pages;
    result_.sectors += bytes / sector_;
    if (std::memcmp(a_.data(), m_.data(), bytes) == 0 && std::memcmp(b_.data(), m_.data(), bytes) == 0) return {};
    for (std::size_t offset = 0; offset < bytes; offset += sector_) sector(at, run, offset);
    return {};
  }

  void sector(std::uint64_t at, const PageRun& run, std::size_t offset) {
    using Right = PathComparison::Right;
    const bool first = same(a_, m_, offset);
    const bool second = same(b_, m_, offset);
    result_.first_wrong += first ? 0 : 1;
    result_.second_wrong += second ? 0 : 1;
    const Pfn pfn = run.base + offset / page_size;
    if (!same(a_, b_, offset)) {
      differ(at + offset, pfn, first ? Right::first : second ? Right::second : Right::neither);
    } else if (!first) {
      ++result_.alike_wrong;
      if (!result_.wrong) result_.wrong = {at + offset, pfn, Right::neither};
    }
  }

  void differ(std::uint64_t file_offset, std::optional<Pfn> pfn, PathComparison::Right right) {
    ++result_.different;
    if (!result_.difference) result_.difference = {file_offset, pfn, right};
  }

  const ByteReader& first_;
  const ByteReader* second_;
  const DumpReader* layout_;
  const MemorySource& source_;
  std::uint64_t end_;
  std::uint32_t sector_;
  std::vector<std::byte> a_, b_, m_;
  PathComparison result_;
};

}  // namespace

Result<PathComparison> compare_paths(const ByteReader& first, const ByteReader* second, const DumpReader* layout,
                                     const MemorySource& source, std::uint64_t bytes, std::uint32_t sector_size) {
  if (second == nullptr && layout == nullptr) {
    return Error{"a reading that is no dump, and no other to compare it with: nothing can be said"};
  }
  return PathComparer(first, second, layout, source, bytes, sector_size).run();
}

}  // namespace dumpsim::dumpfile
