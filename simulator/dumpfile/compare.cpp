// SPDX-License-Identifier: Apache-2.0
// Walks the union of the stored and the expected pages in ascending order, a few at a time, and copies only what cannot
// be looked at where it lies.
#include "dumpfile/compare.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "base/text.hpp"

namespace dumpsim::dumpfile {
namespace {

// 32 KiB: two buffers of it stay in the first-level cache, and a small dump touches few fresh pages of them.
constexpr std::uint64_t batch_pages = 8;

std::uint32_t first_difference(const std::byte* a, const std::byte* b) {
  return static_cast<std::uint32_t>(std::mismatch(a, a + page_size, b).first - a);
}

}  // namespace

Result<Comparison> compare(const DumpReader& dump, const PageSet& expected, const MemorySource& source) {
  Comparison result;
  result.expected = expected.count();
  std::vector<std::byte> stored_copy, wanted_copy;
  const PageSet& there = dump.pages();
  Pfn at = 0;
  for (;;) {
    const std::optional<PageRun> want = expected.next(at, batch_pages);
    const std::optional<PageRun> have = there.next(at, batch_pages);
    if (!want && !have) break;
    if (!have || (want && want->base < have->base)) {
      const std::uint64_t pages = have ? std::min(want->pages, have->base - want->base) : want->pages;
      if (!result.first_missing) result.first_missing = want->base;
      result.missing += pages;
      at = want->base + pages;
      continue;
    }
    if (!want || have->base < want->base) {
      const std::uint64_t pages = want ? std::min(have->pages, want->base - have->base) : have->pages;
      if (!result.first_extra) result.first_extra = have->base;
      result.extra += pages;
      at = have->base + pages;
      continue;
    }
    const std::uint64_t pages = std::min(want->pages, have->pages);
    const std::size_t bytes = pages * page_size;
    const std::byte* stored = dump.lend_pages(want->base, pages);
    if (stored == nullptr) {
      stored_copy.resize(batch_pages * page_size);
      if (Result<void> read = dump.read_pages(want->base, std::span(stored_copy).first(bytes)); !read) {
        return std::move(read).error();
      }
      stored = stored_copy.data();
    }
    const std::byte* wanted = source.lend_pages(want->base, pages);
    if (wanted == nullptr) {
      wanted_copy.resize(batch_pages * page_size);
      source.read_pages(want->base, pages, wanted_copy.data());
      wanted = wanted_copy.data();
    }
    if (std::memcmp(stored, wanted, bytes) == 0) {
      result.same += pages;
    } else {
      for (std::uint64_t i = 0; i < pages; ++i) {
        const std::byte* const a = stored + i * page_size;
        const std::byte* const b = wanted + i * page_size;
        if (std::memcmp(a, b, page_size) == 0) {
          ++result.same;
          continue;
        }
        ++result.different;
        if (!result.first_different) {
          const Pfn pfn = want->base + i;
          result.first_different = Comparison::Difference{pfn, dump.offset_of(pfn), first_difference(a, b)};
        }
      }
    }
    at = want->base + pages;
  }
  if (Result<void> healthy = source.health(); !healthy) return std::move(healthy).error();
  return result;
}

std::string describe(const Comparison& comparison) {
  if (comparison.identical()) return fmt::format("identical ({} pages)", with_thousands(comparison.same));
  std::vector<std::string> parts;
  if (comparison.first_different) {
    parts.push_back(fmt::format(
        "{} of {} pages differ, the first pfn {:#x} at byte {:#x} of the page (file offset {:#x})",
        with_thousands(comparison.different), with_thousands(comparison.expected), comparison.first_different->pfn,
        comparison.first_different->byte_in_page, comparison.first_different->file_offset));
  }
  if (comparison.first_missing) {
    parts.push_back(fmt::format("{} of {} pages are missing, the first pfn {:#x}", with_thousands(comparison.missing),
                                with_thousands(comparison.expected), *comparison.first_missing));
  }
  if (comparison.first_extra) {
    parts.push_back(fmt::format("{} pages are stored that memory does not have, the first pfn {:#x}",
                                with_thousands(comparison.extra), *comparison.first_extra));
  }
  return fmt::format("{}", fmt::join(parts, "; "));
}

}  // namespace dumpsim::dumpfile
