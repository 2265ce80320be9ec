// SPDX-License-Identifier: Apache-2.0
// Which pages a dump stores, in the order it stores them: ascending runs (complete dumps: a few words for a tebibyte)
// or a bitmap with counts (kernel dumps: one bit a page). Both answer the same questions, so that the writer, the
// reader and the comparison do not ask which it is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/offsets.hpp"
#include "base/result.hpp"
#include "dumpfile/memory_source.hpp"

namespace dumpsim::dumpfile {

/// x64 has at most 52 bits of physical address [doc]: no PFN reaches this.
inline constexpr Pfn pfn_limit = Pfn{1} << 40;

/// Bits a bitmap may have here: 16 TiB of memory, 512 MiB of bitmap. What a file claims beyond it is refused.
inline constexpr std::uint64_t bitmap_limit = std::uint64_t{1} << 32;

class PageSet {
 public:
  PageSet() = default;
  /// Fails, naming the run by its index, when one is empty, begins before the end of the one before it, or passes
  /// pfn_limit. Runs that touch are fine.
  static Result<PageSet> of_runs(std::span<const PageRun> runs);
  /// Bit i of the words is PFN i; bits from `bits` on are ignored. REQUIRES: bits <= words.size() * 64.
  static PageSet of_bitmap(std::vector<std::uint64_t> words, std::uint64_t bits);
  /// About `per_mille` of the pages of `runs`, in clusters of 16 as a kernel's pages lie, chosen by `seed`; never
  /// empty. Costs one bit a page. Fails as of_runs does, and for memory beyond bitmap_limit. REQUIRES: per_mille <=
  /// 1000.
  static Result<PageSet> share_of(std::span<const PageRun> runs, std::uint32_t per_mille, std::uint64_t seed);

  /// This set with the pages of `added` and without those of `removed`; a page in both is not in it. The runs may come
  /// in any order and overlap. Fails for an added page at or beyond bitmap_limit.
  Result<PageSet> changed(std::span<const PageRun> added, std::span<const PageRun> removed) const;

  std::uint64_t count() const { return count_; }
  bool empty() const { return count_ == 0; }
  /// Highest PFN + 1; 0 when empty.
  Pfn end() const { return end_; }
  bool contains(Pfn pfn) const;
  /// How many pages of the set lie below `pfn`: a page's index in the file.
  std::uint64_t rank(Pfn pfn) const;
  /// The first consecutive pages at or after `from`, at most `limit` of them. A long run is handed out in pieces by
  /// asking again from its end; the cost is that of the pages given, not of the run.
  std::optional<PageRun> next(Pfn from, std::uint64_t limit = UINT64_MAX) const;
  /// The consecutive pages that begin with the page of this index, at most `limit`. REQUIRES: index < count().
  PageRun at(std::uint64_t index, std::uint64_t limit = UINT64_MAX) const;
  /// Bytes of the bitmap from `offset` on (bit i of byte i/8, lowest first, is PFN i); zeros behind the end.
  void bitmap_bytes(std::uint64_t offset, std::span<std::byte> out) const;

 private:
  void index_words();
  std::vector<PageRun> runs_;
  std::vector<std::uint64_t> before_;  // pages before run i; pages before block i of words
  std::vector<std::uint64_t> words_;
  std::uint64_t count_ = 0;
  Pfn end_ = 0;
};

}  // namespace dumpsim::dumpfile
