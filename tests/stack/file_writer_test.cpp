// SPDX-License-Identifier: Apache-2.0
// crashdmp's splitting, above the filters: an encrypting filter derives its tweak from the offset of each physical
// piece, so a piece that crosses an extent, or spans more pages than the filter has room for, is a corrupted dump.
// Properties under printed seeds, for any layout: every byte of the file once, no piece across an extent, none of more
// than MaxPagesPerWrite pages.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "base/random.hpp"
#include "stack/crashdmp.hpp"
#include "wdk/ntddk.h"
#include "world.hpp"

namespace dumpsim::stack {
namespace {

using policy::Policy;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::uint64_t start = 64 * 1024;  // WorldOptions::partition_start

/// Extents of whole sectors, shuffled over the partition with gaps of at least one sector between them.
disk::ExtentMap random_file(Random& random) {
  std::vector<disk::Extent> extents;
  std::uint64_t at = 512 * (1 + random.below(16));
  for (std::uint64_t count = 1 + random.below(12); count > 0; --count) {
    const std::uint64_t bytes = 512 * (1 + random.below(300));
    extents.push_back({PartitionOffset{at}, bytes});
    at += bytes + 512 * (1 + random.below(40));
  }
  for (std::size_t i = extents.size(); i > 1; --i) std::swap(extents[i - 1], extents[random.below(i)]);
  return file_of(std::move(extents));
}

struct Pieces {
  std::vector<LoggingDisk::Transfer> port;  // what the port was told, below the filters, absolute
};

std::vector<LoggingDisk::Transfer> port_writes(const World& world) {
  std::vector<LoggingDisk::Transfer> writes;
  const trace::TraceView view = world.view();
  for (const trace::Event& event : view) {
    if (event.record.kind != trace::Kind::port_write) continue;
    EXPECT_GE(event.record.status, 0);
    writes.push_back({true, event.record.offset, event.record.length});
  }
  return writes;
}

/// Whether the bytes lie in one extent of the file.
bool within_one_extent(const disk::ExtentMap& file, const LoggingDisk::Transfer& write) {
  return std::any_of(file.extents().begin(), file.extents().end(), [&](const disk::Extent& extent) {
    return write.at >= start + extent.at.bytes && write.at + write.length <= start + extent.at.bytes + extent.bytes;
  });
}

std::vector<std::byte> file_on_disk(World& world, const disk::ExtentMap& file) {
  std::vector<std::byte> bytes;
  for (const disk::Extent& extent : file.extents()) {
    const auto from = world.disk().content().begin() + static_cast<std::ptrdiff_t>(start + extent.at.bytes);
    bytes.insert(bytes.end(), from, from + static_cast<std::ptrdiff_t>(extent.bytes));
  }
  return bytes;
}

TEST(FileWriter, WritesEveryByteOnceInPiecesThatFit) {
  for (std::uint64_t seed = 1; seed <= 25; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    Random random(seed);
    const std::uint64_t max_pages = 1 + random.below(20);
    World world({.policies = {{Policy::max_pages_per_write, std::to_string(max_pages)},
                              {Policy::port_transfer_limit, "1 MiB"}}});
    const disk::ExtentMap file = random_file(random);
    auto stack = loaded(world, {"span"});
    FileWriter writer(world.env(), *stack, file);
    const std::vector<std::byte> content = pattern(file.size(), seed);
    for (std::uint64_t at = 0; at < content.size();) {
      const std::uint64_t length = std::min<std::uint64_t>(content.size() - at, 512 * (1 + random.below(400)));
      ASSERT_TRUE(writer.write(at, std::span(content).subspan(at, length)));
      at += length;
    }
    EXPECT_EQ(file_on_disk(world, file), content);
    std::uint64_t total = 0;
    for (const LoggingDisk::Transfer& write : port_writes(world)) {
      EXPECT_TRUE(within_one_extent(file, write)) << write.at << " +" << write.length;
      EXPECT_LE(write.length, max_pages * page_size);
      EXPECT_EQ(write.length % 512, 0u);
      total += write.length;
    }
    EXPECT_EQ(total, file.size()) << "every byte is there, and their sum says none was written twice";
    EXPECT_EQ(world.totals().bytes_done, file.size());
    EXPECT_EQ(world.totals().redirected, 0u);
    EXPECT_THAT(world.story({"disabled", "violation"}), IsEmpty()) << "no piece spanned more pages than was said";
  }
}

TEST(FileWriter, TheFilterThatCountsPagesCanFail) {
  // The control of the property above.
  World world;
  auto stack = loaded(world, {"span"});
  stack->write(PartitionOffset{0}, {world.memory().show_ram(0, 17) + 512, 16 * page_size});
  EXPECT_THAT(world.story({"disabled"}), ElementsAre("dump_span disabled by DumpWrite"));
}

TEST(FileWriter, WritesMemoryInPlaceInPiecesThatFit) {
  for (std::uint64_t seed = 100; seed < 120; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    Random random(seed);
    World world;
    const disk::ExtentMap file = random_file(random);
    const std::uint64_t pages = file.size() / page_size;
    if (pages == 0) continue;
    const Pfn first = random.below(512 - std::min<std::uint64_t>(pages, 511));
    const std::uint64_t count = std::min<std::uint64_t>(pages, 512 - first);
    auto stack = loaded(world, {"span"});
    FileWriter writer(world.env(), *stack, file);
    ASSERT_TRUE(writer.write_ram(0, first, count));
    std::vector<std::byte> expected(count * page_size);
    world.memory().source().read_pages(first, count, expected.data());
    std::vector<std::byte> got = file_on_disk(world, file);
    got.resize(expected.size());
    EXPECT_EQ(got, expected);
    for (const LoggingDisk::Transfer& write : port_writes(world)) EXPECT_TRUE(within_one_extent(file, write));
    EXPECT_THAT(world.story({"disabled", "violation"}), IsEmpty());
  }
}

TEST(FileWriter, SplitsAtAnExtentInsideAPage) {
  World world;
  const disk::ExtentMap file = file_of({{PartitionOffset{0x10000}, 4096 + 512}, {PartitionOffset{0x40000}, 16 * 4096}});
  auto stack = loaded(world, {"plain"});
  FileWriter writer(world.env(), *stack, file);
  ASSERT_TRUE(writer.write_ram(0, 0, 16));
  EXPECT_THAT(world.story({"port"}), ElementsAre("port write 0x20000 +4608", "port write 0x50000 +60928"));
}

TEST(FileWriter, StopsWhereTheFileEnds) {
  World world;
  const disk::ExtentMap file = file_of({{PartitionOffset{0x10000}, 2 * 4096}});
  auto stack = loaded(world, {"plain"});
  FileWriter writer(world.env(), *stack, file);
  EXPECT_FALSE(writer.write_ram(0, 0, 3));
  EXPECT_FALSE(writer.write_ram(2 * 4096, 0, 1));
  EXPECT_EQ(world.totals().write_status, 0) << "nothing failed: there is no more file";
  EXPECT_THAT(world.story({"port"}), ElementsAre("port write 0x20000 +8192"));
}

TEST(FileWriter, AFailedWriteAbortsOrNotAsThePolicySays) {
  for (const bool abort : {true, false}) {
    World world(
        {.policies = {{Policy::write_failure, abort ? "abort" : "continue"}, {Policy::max_pages_per_write, "1"}}});
    world.disk().fails_from = 2;
    const disk::ExtentMap file = file_of({{PartitionOffset{0}, 4 * 4096}});
    auto stack = loaded(world, {"plain"});
    FileWriter writer(world.env(), *stack, file);
    EXPECT_EQ(writer.write_ram(0, 0, 4), !abort);
    EXPECT_EQ(world.totals().write_status, STATUS_IO_DEVICE_ERROR);
    EXPECT_EQ(world.story({"port write"}).size(), abort ? 2u : 4u);
    EXPECT_NE(world.totals().policies_rested_on & (1u << static_cast<unsigned>(Policy::write_failure)), 0u);
  }
}

TEST(FileWriter, WritesOutsideTheFileWhenTold) {
  World world({.policies = {{Policy::max_pages_per_write, "2"}}});
  const disk::ExtentMap file = file_of({{PartitionOffset{0}, 4096}});
  auto stack = loaded(world, {"plain"});
  FileWriter writer(world.env(), *stack, file);
  EXPECT_TRUE(writer.write_ram_at_partition(PartitionOffset{0x1200}, 3, 3));
  EXPECT_THAT(world.story({"port"}), ElementsAre("port write 0x11200 +8192", "port write 0x13200 +4096"));
}

TEST(FileReader, ReadsBackWhatWasWritten) {
  for (std::uint64_t seed = 200; seed < 210; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    Random random(seed);
    World world;
    const disk::ExtentMap file = random_file(random);
    auto stack = loaded(world, {"adds"});
    const std::vector<std::byte> content = pattern(file.size(), seed);
    ASSERT_TRUE(FileWriter(world.env(), *stack, file)
                    .write(0, std::span(content).first(std::min<std::size_t>(content.size(), 512 * page_size))));
    const std::size_t held = world.memory().allocated_pages();
    {
      FileReader reader(world.env(), *stack, file);
      const std::uint64_t at = 512 * random.below(std::min<std::uint64_t>(file.size() / 512, 4096));
      std::vector<std::byte> got(std::min<std::uint64_t>(file.size(), 512 * page_size) - at);
      ASSERT_TRUE(reader.read(at, got));
      for (std::size_t i = 0; i < got.size(); ++i) {
        ASSERT_EQ(got[i], static_cast<std::byte>(std::to_integer<int>(content[at + i]) + 1)) << "at " << at + i;
      }
      std::vector<std::byte> beyond(1024);
      EXPECT_FALSE(reader.read(file.size() - 512, beyond)) << "the file ends inside";
    }
    EXPECT_EQ(world.memory().allocated_pages(), held);
  }
}

}  // namespace
}  // namespace dumpsim::stack
