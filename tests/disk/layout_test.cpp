// SPDX-License-Identifier: Apache-2.0
// The sidecar there and back, its exact text, and every way it can be wrong with the message a user would see.
#include "disk/layout.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.hpp"
#include "base/random.hpp"
#include "scratch_folder.hpp"

namespace dumpsim::disk {
namespace {

using ::testing::HasSubstr;

constexpr std::uint64_t mib = 1 << 20;

Layout example() {
  Layout layout;
  layout.disk_size = 256 * mib;
  layout.partition_start = DiskOffset{mib};
  layout.partition_size = 254 * mib;
  layout.dump_file = {{PartitionOffset{40 * mib}, 4096}, {PartitionOffset{8192}, 8192}};
  layout.dump_log = {{PartitionOffset{80 * mib}, 65536}};
  layout.shift = -512;
  return layout;
}

constexpr const char* example_text = R"({
  "version": 1,
  "sector_size": 512,
  "disk_size": 268435456,
  "partition_start": 1048576,
  "partition_size": 266338304,
  "dump_file": [
    {"offset": 41943040, "bytes": 4096},
    {"offset": 8192, "bytes": 8192}
  ],
  "hibernation_file": [],
  "dump_log": [
    {"offset": 83886080, "bytes": 65536}
  ],
  "shift": -512
}
)";

std::string replaced(std::string from, std::string to) {
  std::string text = example_text;
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return at == std::string::npos ? text : text.replace(at, from.size(), to);
}

std::string refusal(const std::string& text) {
  const auto layout = parse_layout(text, "d.json");
  return layout ? "accepted" : layout.error().message;
}

TEST(LayoutText, IsExactlyThis) {
  EXPECT_EQ(layout_text(example()), example_text);
  const auto layout = parse_layout(example_text, "d.json");
  ASSERT_TRUE(layout) << layout.error().message;
  EXPECT_EQ(*layout, example());
}

TEST(LayoutText, RoundTripsAnyLayoutThatIsSound) {
  constexpr std::uint64_t seed = 23;
  SCOPED_TRACE(::testing::Message() << "seed " << seed);
  Random random(seed);
  for (int round = 0; round < 100; ++round) {
    Layout layout;
    layout.sector_size = random.below(2) == 0 ? 512 : 4096;
    layout.partition_start = DiskOffset{random.below(1000) * layout.sector_size};
    layout.partition_size = (std::uint64_t{1} << 40) + random.below(1000) * layout.sector_size;
    layout.disk_size = layout.partition_start.bytes + layout.partition_size + random.below(1000) * layout.sector_size;
    layout.shift = (static_cast<std::int64_t>(random.below(2000)) - 1000) * layout.sector_size;
    std::vector<Extent> taken;
    for (auto file : {&Layout::dump_file, &Layout::hibernation_file, &Layout::dump_log}) {
      if (random.below(4) == 0) continue;
      const FileShape shape{(1 + random.below(1 << 20)) * cluster_size, 1, random.next()};
      auto map = lay_out_file("file", shape, layout.partition_size, layout.sector_size, taken);
      ASSERT_TRUE(map) << map.error().message;
      (layout.*file).assign(map->extents().begin(), map->extents().end());
      taken.insert(taken.end(), map->extents().begin(), map->extents().end());
    }
    const auto again = parse_layout(layout_text(layout), "round");
    ASSERT_TRUE(again) << again.error().message;
    ASSERT_EQ(*again, layout);
  }
}

TEST(LayoutRefuses, TextThatIsNoLayout) {
  EXPECT_EQ(refusal(""), "d.json:1:1: this is no JSON; expected the layout of a disk");
  EXPECT_EQ(refusal("{\n  \"version\": 1,\n  oops"), "d.json:3:3: this is no JSON; expected the layout of a disk");
  EXPECT_THAT(refusal(std::string("\0\xff\xfe", 3)), HasSubstr("this is no JSON"));
  EXPECT_EQ(refusal("[]"), "d.json: the whole: expected an object");
  EXPECT_EQ(refusal("null"), "d.json: the whole: expected an object");
  EXPECT_EQ(refusal(std::string(100000, '[') + std::string(100000, ']')), "d.json: nested more than 8 levels deep");
  EXPECT_THAT(refusal(std::string(100000, '[')), HasSubstr("this is no JSON"));
  EXPECT_THAT(refusal(replaced("-512", "1e999")), HasSubstr("this is no JSON"));
  EXPECT_THAT(refusal(std::string(example_text) + "x"), HasSubstr("d.json:17:1: this is no JSON"));
}

TEST(LayoutRefuses, KeysThatAreUnknownMissingOrRepeated) {
  EXPECT_EQ(refusal(replaced("\"dump_log\"", "\"dumplog\"")),
            "d.json: dumplog: unknown key; did you mean \"dump_log\"?");
  EXPECT_EQ(refusal(replaced("\"offset\": 8192", "\"ofset\": 8192")),
            "d.json: dump_file[1].ofset: unknown key; did you mean \"offset\"?");
  EXPECT_EQ(refusal(replaced("  \"dump_log\": [\n    {\"offset\": 83886080, \"bytes\": 65536}\n  ],\n", "")),
            "d.json: dump_log: missing");
  EXPECT_EQ(refusal(replaced("{\"offset\": 8192, ", "{")), "d.json: dump_file[1].offset: missing");
  EXPECT_EQ(refusal(replaced("\"shift\"", "\"shift\": 0, \"shift\"")), "d.json: shift: given twice; expected once");
  EXPECT_EQ(refusal(replaced("{\"offset\": 8192, ", "{\"bytes\": 1, \"offset\": 8192, ")),
            "d.json: bytes: given twice; expected once");
  EXPECT_EQ(refusal(replaced("\"version\": 1", "\"version\": 2, \"colour\": 3")), "d.json: version: 2; expected 1");
}

TEST(LayoutRefuses, ValuesOfTheWrongKind) {
  EXPECT_EQ(refusal(replaced("268435456", "\"256 MiB\"")),
            "d.json: disk_size: expected a whole number of bytes, not negative and below 2^64");
  for (const char* number : {"-512", "1.5", "18446744073709551616", "null", "true", "[]"}) {
    EXPECT_THAT(refusal(replaced("268435456", number)), HasSubstr("d.json: disk_size: expected a whole number"))
        << number;
  }
  EXPECT_THAT(refusal(replaced("-512", "9223372036854775808")), HasSubstr("d.json: shift: expected a whole number"));
  EXPECT_THAT(refusal(replaced("\"hibernation_file\": []", "\"hibernation_file\": {}")),
              HasSubstr("d.json: hibernation_file: expected a list of at most 1048576 extents"));
  EXPECT_EQ(refusal(replaced("\"hibernation_file\": []", "\"hibernation_file\": [7]")),
            "d.json: hibernation_file[0]: expected an object");
}

TEST(LayoutRefuses, NumbersThatDoNotFitEachOther) {
  EXPECT_EQ(refusal(replaced("\"sector_size\": 512", "\"sector_size\": 4294967808")),
            "d.json: sector_size: 4294967808; expected 512 or 4096");
  EXPECT_EQ(refusal(replaced("268435456", "0")),
            "d.json: disk_size: a disk cannot be empty; expected a size of at least one sector");
  EXPECT_THAT(refusal(replaced("268435456", "18446744073709551104")), HasSubstr("d.json: disk_size: "));
  EXPECT_EQ(refusal(replaced("1048576", "1048577")),
            "d.json: partition_start: 1048577; expected a multiple of 512 below the disk size 268435456");
  EXPECT_THAT(refusal(replaced("1048576", "18446744073709551104")), HasSubstr("partition_start: 18446744073709551104"));
  EXPECT_EQ(refusal(replaced("266338304", "268435456")),
            "d.json: partition_size: 268435456; expected a multiple of 512 from 512 to 267386880");
  EXPECT_EQ(refusal(replaced("\"shift\": -512", "\"shift\": -513")),
            "d.json: shift: -513; expected a multiple of the sector size 512");
  EXPECT_EQ(refusal(replaced("\"bytes\": 8192", "\"bytes\": 0")),
            "d.json: dump_file: extent 2 (offset 0x2000, 0 bytes) is empty");
  EXPECT_THAT(
      refusal(replaced("\"offset\": 8192", "\"offset\": 18446744073709551104")),
      HasSubstr("d.json: dump_file: extent 2 (offset 0xfffffffffffffe00, 8192 bytes) is not inside the partition"));
  EXPECT_THAT(
      refusal(replaced("\"offset\": 83886080", "\"offset\": 12288")),
      HasSubstr("d.json: dump_file, hibernation_file, dump_log: the extents at 0x2000 (8192 bytes) and 0x3000"));
}

TEST(LayoutFile, LiesBesideTheImage) {
  const suite::ScratchFolder folder;
  const auto image = folder / "disk.img";
  EXPECT_EQ(layout_path(image), folder / "disk.img.layout.json");
  ASSERT_TRUE(new_layout(image, example(), false)->commit());
  EXPECT_EQ(*read_text(layout_path(image), 10000), example_text);
  const auto read = read_layout(image);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(*read, example());
}

TEST(LayoutFile, IsNotOverwrittenUnlessToldAndNamesItself) {
  const suite::ScratchFolder folder;
  const auto image = folder / "disk.img";
  const std::string sidecar = layout_path(image).string();
  EXPECT_EQ(read_layout(image).error().message, "cannot open " + sidecar + ": No such file or directory");
  ASSERT_TRUE(write_text(layout_path(image), "{", false));
  EXPECT_EQ(new_layout(image, example(), false).error().message, sidecar + " exists already; nothing was written");
  EXPECT_THAT(read_layout(image).error().message, HasSubstr(sidecar + ":1:2: this is no JSON"));
  Layout wrong = example();
  wrong.sector_size = 1024;
  EXPECT_EQ(new_layout(image, wrong, true).error().message, sidecar + ": sector_size: 1024; expected 512 or 4096");
  EXPECT_EQ(*read_text(layout_path(image), 100), "{");
  ASSERT_TRUE(new_layout(image, example(), true)->commit());
  EXPECT_TRUE(read_layout(image));
}

}  // namespace
}  // namespace dumpsim::disk
