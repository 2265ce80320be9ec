// SPDX-License-Identifier: Apache-2.0
// Patterns must be deterministic, unique where they say so, and independent of how they are asked for: the judge reads
// them again, in other pieces than the dump was written in.
#include "dumpfile/memory_source.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <set>
#include <string>

#include "base/random.hpp"

namespace dumpsim::dumpfile {
namespace {

std::vector<std::byte> pages_of(const MemorySource& source, Pfn first, std::uint64_t count) {
  std::vector<std::byte> bytes(count * page_size);
  source.read_pages(first, count, bytes.data());
  return bytes;
}

TEST(MemorySource, AnySplitOfAReadGivesTheSameBytes) {
  std::vector<std::unique_ptr<MemorySource>> sources;
  sources.push_back(canary_source());
  sources.push_back(zero_source());
  sources.push_back(random_source(7));
  for (const auto& source : sources) {
    const std::vector<std::byte> whole = pages_of(*source, 1000, 20);
    std::vector<std::byte> pieces;
    for (std::uint64_t at = 0; at < 20; at += 3) {
      const auto piece = pages_of(*source, 1000 + at, std::min<std::uint64_t>(3, 20 - at));
      pieces.insert(pieces.end(), piece.begin(), piece.end());
    }
    EXPECT_EQ(whole, pieces);
    EXPECT_TRUE(source->health());
  }
}

TEST(MemorySource, ZerosAreZeros) {
  const auto bytes = pages_of(*zero_source(), 5, 3);
  EXPECT_TRUE(std::ranges::all_of(bytes, [](std::byte b) { return b == std::byte{0}; }));
}

TEST(MemorySource, RandomDependsOnSeedAndPage) {
  EXPECT_EQ(pages_of(*random_source(1), 9, 1), pages_of(*random_source(1), 9, 1));
  EXPECT_NE(pages_of(*random_source(1), 9, 1), pages_of(*random_source(2), 9, 1));
  EXPECT_NE(pages_of(*random_source(1), 9, 1), pages_of(*random_source(1), 10, 1));
}

TEST(Canary, TagLiesAtTheFrontOfEverySector) {
  const Pfn last = (Pfn{1} << 40) - 1;
  for (const Pfn pfn : {Pfn{0}, Pfn{0x1234}, last}) {
    const auto page = pages_of(*canary_source(), pfn, 1);
    for (std::uint32_t sector = 0; sector < 8; ++sector) {
      const std::byte* at = page.data() + sector * canary_sector;
      EXPECT_EQ(std::memcmp(at, "DsCANARY", 8), 0);
      CanaryTag tag{};
      ASSERT_TRUE(read_canary(std::span(at, canary_sector), tag));
      EXPECT_EQ(tag.pfn, pfn);
      EXPECT_EQ(tag.sector, sector);
    }
  }
}

TEST(Canary, NoTwoSectorsShareAWord) {
  // Not the tag alone: every word behind it differs from the word at its place in any other sector.
  const auto bytes = pages_of(*canary_source(), 77, 64);
  for (const std::size_t word : {24u, 256u, 504u}) {
    std::set<std::string> seen;
    for (std::size_t at = 0; at < bytes.size(); at += canary_sector) {
      seen.emplace(reinterpret_cast<const char*>(bytes.data()) + at + word, 8);
    }
    EXPECT_EQ(seen.size(), bytes.size() / canary_sector) << word;
  }
}

TEST(Canary, ATagThatWasTouchedIsRefused) {
  const auto page = pages_of(*canary_source(), 0x1234, 1);
  for (std::size_t byte = 0; byte < sizeof(CanaryTag); ++byte) {
    auto changed = page;
    changed[byte] ^= std::byte{0x10};
    CanaryTag tag{};
    EXPECT_FALSE(read_canary(changed, tag)) << byte;
  }
}

TEST(Canary, ScanNamesEverySectorAndNothingElse) {
  Random random(20240611);
  for (int round = 0; round < 50; ++round) {
    std::vector<std::byte> disk(512 * (1 + random.below(400)) + random.below(512), std::byte{0x5A});
    std::vector<std::pair<std::size_t, Pfn>> placed;
    for (std::size_t at = 0; at + canary_sector <= disk.size(); at += canary_sector) {
      if (random.below(3) != 0) continue;
      const Pfn pfn = random.below(1000000);
      const auto page = pages_of(*canary_source(), pfn, 1);
      const std::size_t sector = random.below(8);
      std::copy_n(page.begin() + static_cast<std::ptrdiff_t>(sector * canary_sector), canary_sector,
                  disk.begin() + static_cast<std::ptrdiff_t>(at));
      if (random.below(5) == 0) {
        disk[at + 20] ^= std::byte{1};  // the magic alone does not count
      } else {
        placed.emplace_back(at, pfn);
      }
    }
    std::vector<std::pair<std::size_t, Pfn>> found;
    scan_canary(disk, [&found](std::size_t at, const CanaryTag& tag) { found.emplace_back(at, tag.pfn); });
    EXPECT_EQ(found, placed) << "round " << round;
  }
}

TEST(Canary, IsFoundAtAnyByte) {
  const auto page = pages_of(*canary_source(), 9, 1);
  for (const std::size_t at : {std::size_t{0}, std::size_t{1}, std::size_t{100}, std::size_t{511}}) {
    std::vector<std::byte> disk(3 * page_size);
    std::copy(page.begin(), page.end(), disk.begin() + static_cast<std::ptrdiff_t>(at));
    std::vector<std::pair<std::size_t, std::uint32_t>> found;
    scan_canary_anywhere(disk, [&found](std::size_t where, const CanaryTag& tag) {
      EXPECT_EQ(tag.pfn, 9u);
      found.emplace_back(where, tag.sector);
    });
    ASSERT_EQ(found.size(), 8u) << at;
    for (std::uint32_t sector = 0; sector < 8; ++sector) {
      EXPECT_EQ(found[sector], (std::pair{at + sector * canary_sector, sector}));
    }
  }
  // A tag whose check does not hold is none, and one that is cut off is not read beyond the end.
  auto spoilt = page;
  for (std::size_t i = 8; i < page_size; i += canary_sector) spoilt[i] ^= std::byte{1};
  int count = 0;
  scan_canary_anywhere(spoilt, [&count](std::size_t, const CanaryTag&) { ++count; });
  scan_canary_anywhere(std::span(page).first(23), [&count](std::size_t, const CanaryTag&) { ++count; });
  EXPECT_EQ(count, 0);
}

TEST(Canary, ScanOfNothingFindsNothing) {
  int found = 0;
  scan_canary({}, [&found](std::size_t, const CanaryTag&) { ++found; });
  const auto page = pages_of(*canary_source(), 3, 1);
  scan_canary(std::span(page).first(511), [&found](std::size_t, const CanaryTag&) { ++found; });
  scan_canary(std::span(page).subspan(8, 1024), [&found](std::size_t, const CanaryTag&) { ++found; });
  EXPECT_EQ(found, 0);
}

}  // namespace
}  // namespace dumpsim::dumpfile
