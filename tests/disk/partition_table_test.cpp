// SPDX-License-Identifier: Apache-2.0
// Partition tables written and read back in every style and both sector sizes, each refusal, and damaged tables. That
// other programs agree is tested beside this by table_reader.py, which knows the formats on its own, and by sfdisk.
#include "disk/partition_table.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "base/random.hpp"
#include "disk/backends.hpp"
#include "disk/partition_format.hpp"

namespace dumpsim::disk {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr std::uint64_t mib = 1 << 20;
const std::vector<PartitionPlace> three{
    {DiskOffset{mib}, 16 * mib}, {DiskOffset{64 * mib}, 8 * mib}, {DiskOffset{17 * mib}, mib}};

std::unique_ptr<BlockDevice> memory(std::uint64_t size, std::uint32_t sector) {
  DiskOptions options;
  options.size = size;
  options.sector_size = sector;
  auto disk = make_disk("memory", options);
  EXPECT_TRUE(disk) << disk.error().message;
  return disk ? std::move(*disk) : nullptr;
}

PartitionTable made(PartitionStyle style, std::uint32_t sector, std::vector<PartitionPlace> places,
                    std::uint64_t size = 128 * mib, std::uint64_t seed = 1) {
  auto table = PartitionTable::make(style, size, sector, places, seed);
  EXPECT_TRUE(table) << table.error().message;
  return table ? std::move(*table) : PartitionTable{};
}

std::string refusal(PartitionStyle style, std::vector<PartitionPlace> places, std::uint64_t size = 128 * mib,
                    std::uint32_t sector = 512) {
  auto table = PartitionTable::make(style, size, sector, places, 1);
  return table ? "accepted" : table.error().message;
}

void overwrite(BlockDevice& disk, std::uint64_t at, std::vector<std::uint8_t> bytes) {
  const std::uint64_t sector = at / disk.sector_size() * disk.sector_size();
  std::vector<std::byte> buffer(disk.sector_size());
  ASSERT_EQ(disk.read(DiskOffset{sector}, buffer), IoStatus::ok);
  for (std::size_t i = 0; i < bytes.size(); ++i) buffer[at - sector + i] = std::byte{bytes[i]};
  ASSERT_EQ(disk.write(DiskOffset{sector}, buffer), IoStatus::ok);
}

class TableRoundTrip : public ::testing::TestWithParam<std::uint32_t> {};

TEST_P(TableRoundTrip, MbrAndGpt) {
  for (const PartitionStyle style : {PartitionStyle::mbr, PartitionStyle::gpt}) {
    SCOPED_TRACE(name_of(style));
    const PartitionTable table = made(style, GetParam(), three);
    auto disk = memory(128 * mib, GetParam());
    ASSERT_TRUE(table.write(*disk));
    const auto read = PartitionTable::read(*disk);
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(read->style, style);
    EXPECT_EQ(read->disk_size, table.disk_size);
    EXPECT_EQ(read->sector_size, GetParam());
    EXPECT_EQ(read->mbr_signature, table.mbr_signature);
    EXPECT_EQ(read->disk_id, table.disk_id);
    EXPECT_EQ(read->partitions, table.partitions);
  }
}

TEST_P(TableRoundTrip, WritesOnlyWhereTablesLie) {
  for (const PartitionStyle style : {PartitionStyle::mbr, PartitionStyle::gpt, PartitionStyle::none}) {
    SCOPED_TRACE(name_of(style));
    const std::uint64_t size = 4 * mib;
    auto disk = memory(size, GetParam());
    std::vector<std::byte> marked(size, std::byte{0xEE});
    ASSERT_EQ(disk->write(DiskOffset{0}, marked), IoStatus::ok);
    const bool none = style == PartitionStyle::none;
    const PartitionPlace place{DiskOffset{none ? 0 : mib}, none ? size : mib};
    ASSERT_TRUE(made(style, GetParam(), {place}, size).write(*disk));
    ASSERT_EQ(disk->read(DiskOffset{0}, marked), IoStatus::ok);
    const std::uint64_t head = table_bytes_at_start(style, GetParam());
    const std::uint64_t tail = table_bytes_at_end(style, GetParam());
    EXPECT_TRUE(std::all_of(marked.begin() + static_cast<std::ptrdiff_t>(head),
                            marked.end() - static_cast<std::ptrdiff_t>(tail),
                            [](std::byte each) { return each == std::byte{0xEE}; }));
  }
}

INSTANTIATE_TEST_SUITE_P(SectorSizes, TableRoundTrip, ::testing::Values(512U, 4096U));

TEST(PartitionTableMake, TakesItsIdentitiesFromTheSeed) {
  const PartitionTable table = made(PartitionStyle::gpt, 512, three);
  EXPECT_EQ(table.disk_id, made(PartitionStyle::gpt, 512, three).disk_id);
  EXPECT_FALSE(table.disk_id == made(PartitionStyle::gpt, 512, three, 128 * mib, 2).disk_id);
  EXPECT_FALSE(table.partitions[0].id == table.partitions[1].id);
  EXPECT_EQ(table.disk_id.text()[14], '4');
  EXPECT_THAT(std::string("89ab"), HasSubstr(table.disk_id.text().substr(19, 1)));
  EXPECT_NE(made(PartitionStyle::mbr, 512, three).mbr_signature, 0U);
  EXPECT_EQ(basic_data_partition.text(), "ebd0a0a2-b9e5-4433-87c0-68b6b72699c7");
}

TEST(PartitionTableMake, SaysWhatTheKernelMustAnswer) {
  const PartitionTable table = made(PartitionStyle::mbr, 512, three);
  EXPECT_EQ(table.partitions[1].number, 2U);
  EXPECT_EQ(table.partitions[1].start.bytes, 64 * mib);
  EXPECT_EQ(table.partitions[1].size, 8 * mib);
  EXPECT_EQ(table.partitions[1].mbr_type, mbr_type_ntfs);
  EXPECT_EQ(table.geometry().cylinders, 128 * mib / 512 / 255 / 63);
  EXPECT_EQ(made(PartitionStyle::none, 4096, {{DiskOffset{0}, 128 * mib}}).geometry().bytes_per_sector, 4096U);
  EXPECT_EQ(made(PartitionStyle::none, 512, {{DiskOffset{0}, 128 * mib}}).partitions[0].number, 0U);
}

TEST(PartitionTableMake, ChecksumMakesTheFirstSectorSumToZero) {
  const PartitionTable table = made(PartitionStyle::mbr, 512, three);
  auto disk = memory(128 * mib, 512);
  ASSERT_TRUE(table.write(*disk));
  std::vector<std::byte> sector(512);
  ASSERT_EQ(disk->read(DiskOffset{0}, sector), IoStatus::ok);
  std::uint32_t sum = table.mbr_checksum();
  for (std::size_t at = 0; at < 512; at += 4) sum += format::load<std::uint32_t>(sector, at);
  EXPECT_EQ(sum, 0U);
  EXPECT_NE(table.mbr_checksum(), 0U);
  EXPECT_EQ(made(PartitionStyle::gpt, 512, three).mbr_checksum(), 0U);
}

TEST(PartitionTableMake, RefusesPlacesThatAreWrong) {
  using enum PartitionStyle;
  EXPECT_EQ(refusal(gpt, {{DiskOffset{mib}, 0}}), "partition 1 (start 0x100000, 0 bytes) is empty");
  EXPECT_THAT(refusal(gpt, {{DiskOffset{mib + 1}, mib}}), HasSubstr("multiples of the sector size 512"));
  EXPECT_THAT(refusal(mbr, {{DiskOffset{mib}, 512}}, 128 * mib, 4096), HasSubstr("multiples of the sector size 4096"));
  EXPECT_EQ(refusal(mbr, {{DiskOffset{127 * mib}, 2 * mib}}),
            "partition 1 (start 0x7f00000, 2097152 bytes) does not fit on the disk of 134217728 bytes");
  EXPECT_THAT(refusal(mbr, {{DiskOffset{UINT64_MAX - 511}, 1024}}), HasSubstr("does not fit on the disk"));
  EXPECT_THAT(refusal(mbr, {{DiskOffset{512}, UINT64_MAX - 511}}), HasSubstr("does not fit on the disk"));
  EXPECT_THAT(refusal(mbr, {{DiskOffset{0}, mib}}),
              HasSubstr("lies on the mbr partition table; the first free byte is 0x200"));
  EXPECT_THAT(refusal(gpt, {{DiskOffset{33 * 512}, mib}}),
              HasSubstr("lies on the gpt partition table; the first free byte is 0x4400"));
  EXPECT_EQ(refusal(gpt, {{DiskOffset{34 * 512}, mib}}), "accepted");
  EXPECT_THAT(refusal(gpt, {{DiskOffset{mib}, 127 * mib}}), HasSubstr("the disk's last 16896 bytes"));
  EXPECT_EQ(refusal(gpt, {{DiskOffset{mib}, 127 * mib - 16896}}), "accepted");
  EXPECT_EQ(refusal(mbr, {{DiskOffset{mib}, 2 * mib}, {DiskOffset{2 * mib}, mib}}),
            "partitions 1 and 2 overlap: 0x100000 with 2097152 bytes, 0x200000 with 1048576 bytes");
  EXPECT_THAT(refusal(none, {{DiskOffset{0}, mib}}), HasSubstr("is not the whole disk"));
  EXPECT_EQ(refusal(mbr, std::vector<PartitionPlace>(5, {DiskOffset{mib}, mib})),
            "5 partitions; at most 4 with style mbr");
  EXPECT_EQ(refusal(none, std::vector<PartitionPlace>(2, {DiskOffset{0}, mib})),
            "2 partitions; at most 1 with style none");
  EXPECT_THAT(refusal(mbr, {{DiskOffset{mib}, std::uint64_t{1} << 41}}, std::uint64_t{1} << 42),
              HasSubstr("2^32 sectors"));
  EXPECT_EQ(refusal(gpt, {{DiskOffset{mib}, std::uint64_t{1} << 41}}, std::uint64_t{1} << 42), "accepted");
  EXPECT_EQ(refusal(gpt, {}, 32 * 1024), "a disk of 32768 bytes has no room for a gpt partition table");
}

TEST(PartitionTableWrite, RefusesADiskOfAnotherShape) {
  auto disk = memory(64 * mib, 512);
  const auto written = made(PartitionStyle::mbr, 512, three).write(*disk);
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().message,
            "the partition table is for 134217728 bytes in sectors of 512, the disk has 67108864 in sectors of 512");
}

TEST(PartitionTableRead, TakesADiskWithoutATableAsOnePartition) {
  auto disk = memory(mib, 512);
  auto table = PartitionTable::read(*disk);
  ASSERT_TRUE(table) << table.error().message;
  EXPECT_EQ(table->style, PartitionStyle::none);
  ASSERT_EQ(table->partitions.size(), 1U);
  EXPECT_EQ(table->partitions[0].number, 0U);
  EXPECT_EQ(table->partitions[0].size, mib);

  // A boot sector of a file system ends like an MBR.
  overwrite(*disk, 3, {'N', 'T', 'F', 'S', ' ', ' ', ' ', ' '});
  overwrite(*disk, 510, {0x55, 0xAA});
  overwrite(*disk, 0x1BE, {0x00, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15});
  table = PartitionTable::read(*disk);
  ASSERT_TRUE(table) << table.error().message;
  EXPECT_EQ(table->style, PartitionStyle::none);

  overwrite(*disk, 3, {0, 0, 0, 0, 0, 0, 0, 0});
  overwrite(*disk, 0x1BE, {0x13});
  table = PartitionTable::read(*disk);
  ASSERT_TRUE(table) << table.error().message;
  EXPECT_EQ(table->style, PartitionStyle::none);
}

TEST(PartitionTableRead, UsesTheBackupWhenThePrimaryIsDamaged) {
  const PartitionTable table = made(PartitionStyle::gpt, 512, three);
  for (const std::uint64_t damaged : {512 + 16, 512 + 60, 1024 + 5, 1024 + 40}) {
    SCOPED_TRACE(damaged);
    auto disk = memory(128 * mib, 512);
    ASSERT_TRUE(table.write(*disk));
    overwrite(*disk, damaged, {0xA5, 0x5A});
    const auto read = PartitionTable::read(*disk);
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(read->partitions, table.partitions);
  }
}

TEST(PartitionTableRead, NamesWhatIsWrongWithBothCopies) {
  auto disk = memory(128 * mib, 512);
  ASSERT_TRUE(made(PartitionStyle::gpt, 512, three).write(*disk));
  overwrite(*disk, 512, {0});
  overwrite(*disk, 128 * mib - 512 - 128, {0xFF});
  const auto read = PartitionTable::read(*disk);
  ASSERT_FALSE(read);
  EXPECT_EQ(
      read.error().message,
      "gpt: primary table: no \"EFI PART\" where the header should be; backup table: checksum of the entries does "
      "not match");
}

TEST(PartitionTableRead, HintsAtTheOtherSectorSize) {
  auto large = memory(128 * mib, 4096);
  ASSERT_TRUE(made(PartitionStyle::gpt, 4096, {}).write(*large));
  std::vector<std::byte> all(128 * mib);
  ASSERT_EQ(large->read(DiskOffset{0}, all), IoStatus::ok);
  auto small = memory(128 * mib, 512);
  ASSERT_EQ(small->write(DiskOffset{0}, all), IoStatus::ok);
  const auto read = PartitionTable::read(*small);
  ASSERT_FALSE(read);
  EXPECT_THAT(read.error().message, HasSubstr("; it has \"EFI PART\" at byte 4096: its sectors have 4096 bytes"));
}

TEST(PartitionTableRead, RefusesAnMbrThatDoesNotFit) {
  auto disk = memory(128 * mib, 512);
  ASSERT_TRUE(made(PartitionStyle::mbr, 512, three).write(*disk));
  overwrite(*disk, 0x1BE + 12, {0xFF, 0xFF, 0xFF, 0xFF});
  auto read = PartitionTable::read(*disk);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().message,
            "mbr partition 1: sectors 2048 to 4294969343 do not fit on a disk of 262144 sectors of 512 bytes");
  overwrite(*disk, 0x1BE + 12, {0x00, 0xFF, 0x00, 0x00});
  read = PartitionTable::read(*disk);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().message, "mbr: partitions 1 and 3 overlap");
}

// A header whose checksums hold and whose numbers are hostile: each must be refused for its own reason.
TEST(PartitionTableRead, RefusesHostileNumbersWithGoodChecksums) {
  struct Hostile {
    std::size_t at;
    std::vector<std::uint8_t> bytes;
    const char* message;
  };
  const std::vector<std::uint8_t> huge(8, 0xFF);
  const std::vector<Hostile> all{
      {12, {0xFF, 0xFF, 0xFF, 0xFF}, "header of 4294967295 bytes"},
      {12, {0, 0, 0, 0}, "header of 0 bytes"},
      {24, huge, "header says it is in sector 18446744073709551615"},
      {40, huge, "usable sectors 18446744073709551615"},
      {48, huge, "do not fit on a disk of 8192"},
      {72, huge, "the entries at sector 18446744073709551615 do not fit"},
      {80, {0xFF, 0xFF, 0xFF, 0xFF}, "4294967295 entries of 128 bytes"},
      {84, {0, 0, 0, 0}, "128 entries of 0 bytes"},
      {84, {0xFF, 0xFF, 0xFF, 0xFF}, "entries of 4294967295 bytes"},
      {84, {0x81, 0, 0, 0}, "entries of 129 bytes"},
      {88, {1, 2, 3, 4}, "checksum of the entries does not match"},
  };
  for (const Hostile& each : all) {
    SCOPED_TRACE(each.message);
    auto disk = memory(4 * mib, 512);
    ASSERT_TRUE(made(PartitionStyle::gpt, 512, {{DiskOffset{mib}, mib}}, 4 * mib).write(*disk));
    overwrite(*disk, 4 * mib - 512, {0});  // no backup to fall back on
    overwrite(*disk, 512 + each.at, each.bytes);
    std::vector<std::byte> header(512);
    ASSERT_EQ(disk->read(DiskOffset{512}, header), IoStatus::ok);
    format::store(std::span(header), 16, std::uint32_t{0});
    format::store(std::span(header), 16, format::crc32_of(std::span(header).first(92)));
    ASSERT_EQ(disk->write(DiskOffset{512}, header), IoStatus::ok);
    const auto read = PartitionTable::read(*disk);
    ASSERT_FALSE(read);
    EXPECT_THAT(read.error().message, StartsWith("gpt: primary table: "));
    EXPECT_THAT(read.error().message, HasSubstr(each.message));
  }
}

TEST(PartitionTableRead, SurvivesNoise) {
  constexpr std::uint64_t seed = 17;
  SCOPED_TRACE(::testing::Message() << "seed " << seed);
  Random random(seed);
  int refused = 0;
  for (int round = 0; round < 300; ++round) {
    auto disk = memory(mib, 512);
    const PartitionStyle style = round % 2 == 0 ? PartitionStyle::gpt : PartitionStyle::mbr;
    ASSERT_TRUE(made(style, 512, {{DiskOffset{64 * 1024}, 512 * 1024}}, mib).write(*disk));
    overwrite(*disk, mib - 512, {0});
    for (std::uint64_t i = 1 + random.below(4); i > 0; --i) {
      overwrite(*disk, style == PartitionStyle::gpt ? random.below(2048) : 0x1BE + random.below(66),
                {static_cast<std::uint8_t>(random.below(256))});
    }
    const auto read = PartitionTable::read(*disk);
    if (!read) {
      ++refused;
      EXPECT_FALSE(read.error().message.empty());
      continue;
    }
    for (const PartitionEntry& each : read->partitions) {
      EXPECT_LE(each.size, mib);
      EXPECT_LE(each.start.bytes, mib - each.size);
    }
  }
  EXPECT_GT(refused, 20);
}

TEST(PartitionTableRead, SaysWhichReadFailed) {
  class Broken final : public BlockDevice {
   public:
    std::uint64_t size() const override { return mib; }
    std::uint32_t sector_size() const override { return 512; }
    IoStatus read(DiskOffset, std::span<std::byte>) override { return IoStatus::failed; }
    IoStatus write(DiskOffset, std::span<const std::byte>) override { return IoStatus::failed; }
    IoStatus flush() override { return IoStatus::ok; }
  } broken;
  const auto read = PartitionTable::read(broken);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().message, "cannot read 512 bytes at sector 0: failed");
  const auto written = made(PartitionStyle::mbr, 512, {}, mib).write(broken);
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().message, "cannot write the partition table to sector 0: failed");
}

}  // namespace
}  // namespace dumpsim::disk
