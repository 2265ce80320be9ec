// SPDX-License-Identifier: Apache-2.0
// The extent map against a byte-by-sector model, its refusals one by one, and layouts by seed: exact in number and
// size, off the reserved ranges, the same for the same seed.
#include "disk/extents.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "base/random.hpp"
#include "base/text.hpp"
#include "disk/backends.hpp"
#include "disk/file_view.hpp"

namespace dumpsim::disk {
namespace {

using ::testing::HasSubstr;

constexpr std::uint64_t mib = 1 << 20;

Extent extent(std::uint64_t at, std::uint64_t bytes) {
  return {PartitionOffset{at}, bytes};
}

std::string refusal(std::vector<Extent> extents, std::uint64_t partition = mib, std::uint32_t sector = 512) {
  const auto map = ExtentMap::make("dump file", std::move(extents), partition, sector);
  return map ? "accepted" : map.error().message;
}

ExtentMap made(std::vector<Extent> extents, std::uint64_t partition = mib) {
  auto map = ExtentMap::make("dump file", std::move(extents), partition, 512);
  EXPECT_TRUE(map) << map.error().message;
  return map ? std::move(*map) : ExtentMap{};
}

TEST(ExtentMapRefuses, EachKindOfWrongExtent) {
  EXPECT_EQ(refusal({extent(0, 512), extent(512, 0)}), "dump file: extent 2 (offset 0x200, 0 bytes) is empty");
  EXPECT_EQ(refusal({extent(513, 512)}),
            "dump file: extent 1 (offset 0x201, 512 bytes) does not begin and end at multiples of the sector size 512");
  EXPECT_THAT(refusal({extent(512, 512)}, mib, 4096), HasSubstr("multiples of the sector size 4096"));
  EXPECT_EQ(refusal({extent(mib - 512, 1024)}),
            "dump file: extent 1 (offset 0xffe00, 1024 bytes) is not inside the partition of 1048576 bytes");
  EXPECT_THAT(refusal({extent(mib, 512)}), HasSubstr("is not inside the partition"));
  EXPECT_EQ(refusal({extent(4096, 1024), extent(0, 512), extent(4608, 512)}),
            "dump file: the extents at 0x1000 (1024 bytes) and 0x1200 (512 bytes) overlap");
  EXPECT_THAT(refusal({extent(0, 512), extent(0, 512)}), HasSubstr("overlap"));
  EXPECT_THAT(refusal({extent(0, 512)}, mib, 1000), HasSubstr("expected 512 or 4096"));
}

TEST(ExtentMapRefuses, WhatOverflows) {
  EXPECT_THAT(refusal({extent(UINT64_MAX - 511, 1024)}), HasSubstr("is not inside the partition"));
  EXPECT_THAT(refusal({extent(512, UINT64_MAX - 511)}), HasSubstr("is not inside the partition"));
  const std::uint64_t half = std::uint64_t{1} << 63;
  EXPECT_THAT(refusal({extent(0, half), extent(0, half)}, UINT64_MAX), HasSubstr("larger than 2^64"));
  EXPECT_THAT(refusal(std::vector<Extent>(most_extents + 1, extent(0, 512))), HasSubstr("1048577 extents"));
}

TEST(ExtentMapTest, AnEmptyFileHasNothing) {
  const ExtentMap map = made({});
  EXPECT_EQ(map.size(), 0U);
  EXPECT_TRUE(map.empty());
  EXPECT_EQ(map.piece(0, 512), Extent{});
  EXPECT_FALSE(map.contains(PartitionOffset{0}, 512));
  EXPECT_FALSE(map.touches(PartitionOffset{0}, UINT64_MAX));
  EXPECT_EQ(map.file_offset_of(PartitionOffset{0}), std::nullopt);
}

TEST(ExtentMapTest, SplitsAtExtents) {
  const ExtentMap map = made({extent(8192, 4096), extent(0, 1024), extent(12288, 512)});
  EXPECT_EQ(map.size(), 5632U);
  std::vector<std::pair<std::uint64_t, Extent>> pieces;
  EXPECT_TRUE(map.for_each_piece(4000, 1632, [&](Extent piece, std::uint64_t at) {
    pieces.emplace_back(at, piece);
    return true;
  }));
  const std::vector<std::pair<std::uint64_t, Extent>> expected{
      {4000, extent(12192, 96)}, {4096, extent(0, 1024)}, {5120, extent(12288, 512)}};
  EXPECT_EQ(pieces, expected);
}

TEST(ExtentMapTest, SaysWhenTheFileIsTooShortOrTheVisitorStops) {
  const ExtentMap map = made({extent(0, 1024), extent(4096, 1024)});
  std::uint64_t seen = 0;
  EXPECT_FALSE(map.for_each_piece(1536, 1024, [&](Extent piece, std::uint64_t) { return seen += piece.bytes, true; }));
  EXPECT_EQ(seen, 512U);
  EXPECT_FALSE(map.for_each_piece(0, 2048, [](Extent, std::uint64_t) { return false; }));
  EXPECT_TRUE(map.for_each_piece(0, 0, [](Extent, std::uint64_t) { return false; }));
  EXPECT_FALSE(map.for_each_piece(UINT64_MAX, UINT64_MAX, [](Extent, std::uint64_t) { return true; }));
}

TEST(ExtentMapTest, ContainsRangesAcrossExtentsThatTouch) {
  const ExtentMap map = made({extent(4096, 1024), extent(3072, 1024), extent(8192, 512)});
  EXPECT_TRUE(map.contains(PartitionOffset{3072}, 2048));
  EXPECT_TRUE(map.contains(PartitionOffset{4000}, 200));
  EXPECT_FALSE(map.contains(PartitionOffset{4000}, 1200));
  EXPECT_FALSE(map.contains(PartitionOffset{3071}, 2));
  EXPECT_FALSE(map.contains(PartitionOffset{3072}, 0));
  EXPECT_FALSE(map.contains(PartitionOffset{8704}, 512));
  EXPECT_FALSE(map.contains(PartitionOffset{8192}, UINT64_MAX));
  EXPECT_TRUE(map.touches(PartitionOffset{0}, 3073));
  EXPECT_FALSE(map.touches(PartitionOffset{0}, 3072));
  EXPECT_FALSE(map.touches(PartitionOffset{5120}, 3072));
  EXPECT_TRUE(map.touches(PartitionOffset{8703}, UINT64_MAX));
}

TEST(ExtentMapTest, AgreesWithAModelOfSectors) {
  constexpr std::uint64_t seed = 41;
  SCOPED_TRACE(::testing::Message() << "seed " << seed);
  Random random(seed);
  for (int round = 0; round < 200; ++round) {
    constexpr std::uint64_t sectors = 64;
    std::vector<Extent> extents;
    std::map<std::uint64_t, std::uint64_t> file_sector_of;  // partition sector to file sector
    std::vector<std::uint64_t> place;                       // file sector to partition sector
    for (int tries = 0; tries < 12; ++tries) {
      const std::uint64_t begin = random.below(sectors);
      const std::uint64_t count = 1 + random.below(std::min<std::uint64_t>(8, sectors - begin));
      bool free = true;
      for (std::uint64_t i = begin; i < begin + count; ++i) free = free && file_sector_of.count(i) == 0;
      if (!free) continue;
      for (std::uint64_t i = begin; i < begin + count; ++i) {
        file_sector_of[i] = place.size();
        place.push_back(i);
      }
      extents.push_back(extent(begin * 512, count * 512));
    }
    const ExtentMap map = made(extents, sectors * 512);
    ASSERT_EQ(map.size(), place.size() * 512);
    for (int query = 0; query < 200; ++query) {
      const std::uint64_t at = random.below(sectors * 512 + 600);
      const std::uint64_t length = random.below(6000);
      bool inside = length > 0;
      bool touches = false;
      for (std::uint64_t byte = at; byte < at + length; ++byte) {
        const bool known = file_sector_of.count(byte / 512) != 0;
        inside = inside && known;
        touches = touches || known;
      }
      ASSERT_EQ(map.contains(PartitionOffset{at}, length), inside) << at << " " << length;
      ASSERT_EQ(map.touches(PartitionOffset{at}, length), touches) << at << " " << length;
      const auto known = file_sector_of.find(at / 512);
      const auto offset = map.file_offset_of(PartitionOffset{at});
      ASSERT_EQ(offset.has_value(), known != file_sector_of.end());
      if (offset) {
        ASSERT_EQ(*offset, known->second * 512 + at % 512);
      }

      std::uint64_t next = at;
      const bool all = map.for_each_piece(at, length, [&](Extent piece, std::uint64_t file_offset) {
        EXPECT_EQ(file_offset, next);
        for (std::uint64_t i = 0; i < piece.bytes; i += 97) {
          EXPECT_EQ(piece.at.bytes + i, place[(next + i) / 512] * 512 + (next + i) % 512);
        }
        next += piece.bytes;
        return true;
      });
      ASSERT_EQ(all, length == 0 || at + length <= map.size());
      ASSERT_EQ(next, std::max(at, std::min(at + length, map.size())));
    }
  }
}

struct Layout {
  std::uint64_t partition;
  FileShape shape;
  std::vector<Extent> reserved;
};

void expect_sound(const Layout& layout, std::uint32_t sector) {
  SCOPED_TRACE(::testing::Message() << "size " << layout.shape.size << ", " << layout.shape.fragments
                                    << " fragments, seed " << layout.shape.seed);
  const auto map = lay_out_file("file", layout.shape, layout.partition, sector, layout.reserved);
  ASSERT_TRUE(map) << map.error().message;
  EXPECT_EQ(map->size(), layout.shape.size);
  ASSERT_EQ(map->extents().size(), layout.shape.fragments);
  for (std::size_t i = 0; i < map->extents().size(); ++i) {
    const Extent& each = map->extents()[i];
    EXPECT_EQ(each.at.bytes % cluster_size, 0U);
    EXPECT_TRUE(i + 1 == map->extents().size() || each.bytes % cluster_size == 0) << i;
    EXPECT_GE(each.at.bytes, boot_area);
    EXPECT_TRUE(i == 0 || map->extents()[i - 1].at + map->extents()[i - 1].bytes != each.at) << i;
  }
  for (const Extent& each : layout.reserved) EXPECT_FALSE(map->touches(each.at, each.bytes));
  const auto again = lay_out_file("file", layout.shape, layout.partition, sector, layout.reserved);
  ASSERT_TRUE(again);
  EXPECT_TRUE(
      std::equal(map->extents().begin(), map->extents().end(), again->extents().begin(), again->extents().end()));
}

TEST(LayOutFile, IsSoundForManyShapes) {
  constexpr std::uint64_t seed = 7;
  SCOPED_TRACE(::testing::Message() << "seed " << seed);
  Random random(seed);
  int laid = 0;
  for (int round = 0; round < 400; ++round) {
    Layout layout;
    layout.partition = (64 + random.below(4096)) * cluster_size + random.below(8) * 512;
    for (std::uint64_t i = random.below(4); i > 0; --i) {
      layout.reserved.push_back(extent(random.below(layout.partition / 512) * 512, 512 * (1 + random.below(200))));
    }
    layout.shape = {512 * (1 + random.below(layout.partition / 512)), static_cast<std::uint32_t>(1 + random.below(40)),
                    random.next()};
    // Whether it fits is for the next tests; here, what fits must be sound.
    if (!lay_out_file("file", layout.shape, layout.partition, 512, layout.reserved)) continue;
    ++laid;
    expect_sound(layout, 512);
  }
  EXPECT_GT(laid, 150);
}

TEST(LayOutFile, FillsAPartitionToTheLastCluster) {
  const std::uint64_t partition = 64 * cluster_size;
  for (const std::uint32_t fragments : {1U, 2U, 3U, 10U, 62U}) {
    expect_sound({partition, {partition - boot_area, fragments, 3}, {}}, 512);
  }
  expect_sound({partition, {60 * cluster_size, 5, 3}, {extent(20 * cluster_size, 2 * cluster_size)}}, 4096);
  const auto more = lay_out_file("dump file", {partition - boot_area + 512, 1, 3}, partition, 512, {});
  ASSERT_FALSE(more);
  EXPECT_EQ(
      more.error().message,
      "dump file: 254464 B in 1 fragment(s) does not fit: the partition of 256 KiB has 248 KiB free in 1 piece(s)");
}

TEST(LayOutFile, SpreadsOverThePartitionAndShuffles) {
  const auto map = lay_out_file("dump file", {80 * mib, 5, 7}, 255 * mib, 512, {});
  ASSERT_TRUE(map) << map.error().message;
  std::uint64_t first = UINT64_MAX;
  std::uint64_t last = 0;
  std::set<std::uint64_t> sizes;
  bool ascending = true;
  for (std::size_t i = 0; i < 5; ++i) {
    const Extent& each = map->extents()[i];
    first = std::min(first, each.at.bytes);
    last = std::max(last, each.at.bytes + each.bytes);
    sizes.insert(each.bytes);
    ascending = ascending && (i == 0 || each.at > map->extents()[i - 1].at);
  }
  EXPECT_GT(last - first, 120 * mib);
  EXPECT_EQ(sizes.size(), 5U);
  EXPECT_FALSE(ascending);
  const auto other = lay_out_file("dump file", {80 * mib, 5, 8}, 255 * mib, 512, {});
  ASSERT_TRUE(other);
  EXPECT_NE(map->extents()[0], other->extents()[0]);
}

TEST(LayOutFile, SeveralFilesKeepApart) {
  std::vector<Extent> taken;
  std::vector<ExtentMap> maps;
  for (const FileShape& shape : {FileShape{80 * mib, 5, 1}, FileShape{64 * mib, 3, 1}, FileShape{mib, 2, 1}}) {
    auto map = lay_out_file("file", shape, 255 * mib, 512, taken);
    ASSERT_TRUE(map) << map.error().message;
    taken.insert(taken.end(), map->extents().begin(), map->extents().end());
  }
  EXPECT_TRUE(ExtentMap::make("all files", taken, 255 * mib, 512));
}

TEST(LayOutFile, SaysWhyItDoesNotFit) {
  const auto refused = [](FileShape shape, std::vector<Extent> reserved = {}) {
    const auto map = lay_out_file("dump file", shape, mib, 512, reserved);
    return map ? std::string("laid") : map.error().message;
  };
  EXPECT_EQ(refused({0, 1, 1}), "dump file: a file of no bytes cannot be laid out");
  EXPECT_EQ(refused({1000, 1, 1}), "dump file: size 1000 is no multiple of the sector size 512");
  EXPECT_EQ(refused({8192, 3, 1}), "dump file: 3 fragments of a file of 8 KiB; expected 1 to 2");
  EXPECT_EQ(refused({8192, 0, 1}), "dump file: 0 fragments of a file of 8 KiB; expected 1 to 2");
  EXPECT_THAT(refused({UINT64_MAX - 511, 1, 1}), HasSubstr("does not fit"));
  // The same free space in two pieces: two fragments fit where one does not.
  const std::vector<Extent> middle{extent(mib / 2, 4096)};
  EXPECT_THAT(refused({900 * 1024, 1, 1}, middle), HasSubstr("has 1012 KiB free in 2 piece(s)"));
  EXPECT_EQ(refused({900 * 1024, 2, 1}, middle), "laid");
  EXPECT_THAT(refused({4096, 1, 1}, {extent(0, UINT64_MAX)}), HasSubstr("has 0 B free in 0 piece(s)"));
}

class FileViewTest : public ::testing::Test {
 protected:
  static constexpr std::uint64_t partition_start = 64 * 1024;
  void SetUp() override {
    DiskOptions options;
    options.size = 2 * mib;
    options.sector_size = 4096;
    disk_ = std::move(*make_disk("memory", options));
    map_ =
        std::move(*ExtentMap::make("file", {extent(40960, 8192), extent(8192, 4096), extent(4096, 4096)}, mib, 4096));
    Random random(99);
    content_.resize(map_.size());
    for (std::byte& each : content_) each = static_cast<std::byte>(random.next());
  }
  void lay(std::int64_t shift) {
    map_.for_each_piece(0, map_.size(), [&](Extent piece, std::uint64_t at) {
      const DiskOffset where{partition_start + piece.at.bytes + static_cast<std::uint64_t>(shift)};
      EXPECT_EQ(disk_->write(where, std::span(content_).subspan(at, piece.bytes)), IoStatus::ok);
      return true;
    });
  }
  std::unique_ptr<BlockDevice> disk_;
  ExtentMap map_;
  std::vector<std::byte> content_;
};

TEST_F(FileViewTest, ReadsAnyRangeOfTheFile) {
  lay(0);
  const FileView view(*disk_, map_, DiskOffset{partition_start});
  constexpr std::uint64_t seed = 5;
  SCOPED_TRACE(::testing::Message() << "seed " << seed);
  Random random(seed);
  for (int round = 0; round < 500; ++round) {
    const std::uint64_t at = random.below(content_.size() + 1);
    std::vector<std::byte> got(random.below(content_.size() - at + 1));
    ASSERT_TRUE(view.read_at(at, got));
    ASSERT_TRUE(std::equal(got.begin(), got.end(), content_.begin() + static_cast<std::ptrdiff_t>(at))) << at;
  }
}

TEST_F(FileViewTest, FollowsAShiftEitherWay) {
  for (const std::int64_t shift : {std::int64_t{65536}, std::int64_t{-65536}}) {
    lay(shift);
    std::vector<std::byte> got(content_.size());
    ASSERT_TRUE(FileView(*disk_, map_, DiskOffset{partition_start}, shift).read_at(0, got));
    EXPECT_EQ(got, content_);
    ASSERT_TRUE(FileView(*disk_, map_, DiskOffset{partition_start}, shift / 2).read_at(0, got));
    EXPECT_NE(got, content_);
  }
}

TEST_F(FileViewTest, RefusesWhatIsNotThere) {
  std::vector<std::byte> got(4096);
  const FileView view(*disk_, map_, DiskOffset{partition_start});
  const auto past = view.read_at(map_.size() - 4095, got);
  ASSERT_FALSE(past);
  EXPECT_EQ(past.error().message, "cannot read 4096 bytes at offset 0x3001: the file on the disk has 16384");
  EXPECT_FALSE(view.read_at(UINT64_MAX, got));
  for (const std::int64_t shift : {INT64_MIN, INT64_MAX, std::int64_t{-200000}, std::int64_t(2 * mib)}) {
    const auto gone = FileView(*disk_, map_, DiskOffset{partition_start}, shift).read_at(0, got);
    ASSERT_FALSE(gone);
    EXPECT_EQ(gone.error().message,
              "cannot read 4096 bytes at offset 0x0 of the file (partition offset 0xa000, shifted by " +
                  std::to_string(shift) + "): not on the disk");
  }
  EXPECT_FALSE(FileView(*disk_, map_, DiskOffset{UINT64_MAX}).read_at(0, got));
}

}  // namespace
}  // namespace dumpsim::disk
