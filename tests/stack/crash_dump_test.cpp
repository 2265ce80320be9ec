// SPDX-License-Identifier: Apache-2.0
// The order in which a dump is written, held against the events: header not yet valid, bitmap, pages, header made
// valid; Finish; the log behind it. What lies in the file at the end is a dump that a reader takes.
#include "stack/crashdmp.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "dumpfile/byte_reader.hpp"
#include "dumpfile/compare.hpp"
#include "dumpfile/dump_reader.hpp"
#include "wdk/ntddk.h"
#include "world.hpp"

namespace dumpsim::stack {
namespace {

using policy::Policy;
using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::uint64_t start = 64 * 1024;  // WorldOptions::partition_start
const std::vector<dumpfile::PageRun> small_ram{{1, 5}, {16, 40}};

dumpfile::DumpLayout plan(bool secondary = false) {
  dumpfile::DumpRequest request;
  request.memory = small_ram;
  request.bugcheck_code = 0xE2;
  if (secondary) request.secondary.push_back({{std::byte{0xAB}}, std::vector<std::byte>(700, std::byte{'x'})});
  auto layout = dumpfile::DumpLayout::plan(std::move(request));
  if (!layout) throw std::runtime_error(layout.error().message);
  return *std::move(layout);
}

struct Crash {
  explicit Crash(WorldOptions options = {}, std::initializer_list<std::string_view> filters = {"plain"})
      : world(with_memory(std::move(options))), stack(loaded(world, filters)) {}
  static WorldOptions with_memory(WorldOptions options) {
    options.ram = small_ram;
    return options;
  }
  void go(const dumpfile::DumpLayout& layout) {
    BugcheckCalls calls(world.env(), {});
    write_crash_dump(world.env(), *stack, layout, {&file, &log}, calls);
  }

  World world;
  disk::ExtentMap file = file_of({{PartitionOffset{0x40000}, 0x20000}, {PartitionOffset{0x10000}, 0x28000}});
  disk::ExtentMap log = file_of({{PartitionOffset{0x200000}, 4096}});
  std::unique_ptr<DumpStack> stack;
};

std::vector<std::byte> bytes_of(World& world, const disk::ExtentMap& file, std::uint64_t bytes) {
  std::vector<std::byte> all;
  for (const disk::Extent& extent : file.extents()) {
    const auto from = world.disk().content().begin() + static_cast<std::ptrdiff_t>(start + extent.at.bytes);
    all.insert(all.end(), from, from + static_cast<std::ptrdiff_t>(extent.bytes));
  }
  all.resize(bytes);
  return all;
}

std::vector<std::byte> filled(const dumpfile::DumpLayout& layout, World& world) {
  std::vector<std::byte> all(layout.size());
  layout.fill(0, all, world.memory().source());
  return all;
}

TEST(CrashDump, IsWrittenInTheOrderOfTheRealThing) {
  Crash crash;
  crash.go(plan());
  EXPECT_EQ(crash.world.totals().dump, DumpState::completed);
  EXPECT_THAT(crash.world.story({"section", "Start", "Finish", "port opened", "port finished", "port read"}),
              ElementsAre("dump_plain DumpStart", "port opened", "section header, not yet valid", "section bitmap",
                          "section pages", "section header made valid", "dump_plain DumpFinish", "port finished",
                          "section dump log", "port read 0x210000 +4096"));
}

TEST(CrashDump, IsADumpByteForByte) {
  Crash crash;
  const dumpfile::DumpLayout layout = plan(true);
  crash.go(layout);
  EXPECT_EQ(crash.world.totals().dump, DumpState::completed);
  EXPECT_EQ(bytes_of(crash.world, crash.file, layout.size()), filled(layout, crash.world));
  EXPECT_THAT(crash.world.story({"section"}),
              ElementsAre("section header, not yet valid", "section bitmap", "section pages", "section secondary data",
                          "section header made valid", "section dump log"));
  EXPECT_EQ(crash.world.totals().dump_bytes, layout.size());
  EXPECT_GE(crash.world.totals().bytes_done, layout.size());
}

TEST(CrashDump, IsNoDumpUntilTheVeryLastWrite) {
  // Cut off after every write but the last, the file must not be taken for a dump.
  std::size_t writes = 0;
  {
    Crash whole;
    whole.go(plan());
    writes = whole.world.story({"port write"}).size() - 1;  // but the log's
    EXPECT_EQ(std::memcmp(bytes_of(whole.world, whole.file, 8).data(), "PAGEDU64", 8), 0) << "the control";
  }
  ASSERT_GT(writes, 5u);
  for (std::size_t cut = 1; cut <= writes; ++cut) {
    SCOPED_TRACE(cut);
    Crash crash;
    crash.world.disk().fails_from = cut;
    crash.go(plan());
    EXPECT_EQ(crash.world.totals().dump, DumpState::failed);
    EXPECT_EQ(crash.world.totals().write_status, STATUS_IO_DEVICE_ERROR);
    const std::vector<std::byte> front = bytes_of(crash.world, crash.file, 8);
    EXPECT_NE(std::memcmp(front.data(), "PAGEDU64", 8), 0);
  }
}

TEST(CrashDump, MayHaveItsHeaderValidFromTheStart) {
  Crash crash({.policies = {{Policy::header_valid_last, "no"}}});
  crash.world.disk().fails_from = 4;
  crash.go(plan());
  EXPECT_EQ(std::memcmp(bytes_of(crash.world, crash.file, 8).data(), "PAGEDU64", 8), 0);
  EXPECT_EQ(crash.world.totals().dump, DumpState::failed) << "though the next boot takes it for one";
  EXPECT_THAT(crash.world.story({"section"}), Contains("section header"));
}

TEST(CrashDump, GoesThroughTheFiltersToTheLastByte) {
  // Every port write of the dump has a DumpWrite right before it.
  Crash crash;
  crash.go(plan());
  std::vector<std::string> lines = crash.world.story({"DumpWrite", "port write"});
  ASSERT_FALSE(lines.empty());
  for (std::size_t i = 0; i < lines.size(); i += 2) {
    EXPECT_EQ(lines[i], "dump_plain DumpWrite");
    ASSERT_LT(i + 1, lines.size());
    EXPECT_NE(lines[i + 1].find("port write"), std::string::npos);
  }
}

TEST(CrashDump, ANeverCallsUnload) {
  Crash crash;
  crash.go(plan());
  EXPECT_THAT(crash.world.story({"Unload", "gone", "out"}), IsEmpty());
  EXPECT_TRUE(crash.stack->loaded());
}

TEST(CrashDump, AFileThatIsTooSmallGetsNothing) {
  {
    Crash crash;
    crash.file = file_of({{PartitionOffset{0x40000}, 0x4000}});
    crash.go(plan());
    EXPECT_EQ(crash.world.totals().dump, DumpState::failed);
    EXPECT_EQ(crash.world.totals().write_status, 0);
    EXPECT_THAT(crash.world.story({"section", "Start", "Finish"}),
                ElementsAre("dump_plain DumpStart", "section nothing: the dump file is too small",
                            "dump_plain DumpFinish", "section dump log"));
  }
  // Exactly as large as it must be is large enough.
  Crash exact;
  const dumpfile::DumpLayout layout = plan();
  exact.file = file_of({{PartitionOffset{0x40000}, layout.size()}});
  exact.go(layout);
  EXPECT_EQ(exact.world.totals().dump, DumpState::completed);
}

TEST(CrashDump, TheLogIsReadAndWrittenAfterFinishThroughTheFilters) {
  Crash crash({}, {"adds"});
  crash.go(plan());
  std::vector<std::string> lines = crash.world.story();
  const auto finish = std::find(lines.begin(), lines.end(), "dump_adds DumpFinish");
  ASSERT_NE(finish, lines.end());
  EXPECT_THAT((std::vector<std::string>{finish, lines.end()}),
              ElementsAre("dump_adds DumpFinish", "port finished", "section dump log", "port read 0x210000 +4096",
                          "dump_adds DumpRead", "dump_adds DumpWrite", "port write 0x210000 +4096"));
  EXPECT_EQ(crash.world.totals().redirected, 0u) << "the log is a file of its own";
  const auto* record = reinterpret_cast<const char*>(crash.world.disk().content().data() + start + 0x200000);
  EXPECT_EQ(std::string_view(record, 17), "Dump completed su");
}

TEST(CrashDump, TheLogIsAPolicy) {
  Crash crash({.policies = {{Policy::dump_log, "none"}}});
  crash.go(plan());
  EXPECT_THAT(crash.world.story({"log"}), IsEmpty());
  EXPECT_EQ(crash.world.story().back(), "port finished");
}

TEST(CrashDump, EndsWhereAFilterBugchecks) {
  Crash crash({}, {"bugchecks", "plain"});
  crash.go(plan());
  EXPECT_EQ(crash.world.totals().ended, Ended::bugchecked);
  EXPECT_EQ(crash.world.totals().dump, DumpState::begun);
  EXPECT_EQ(crash.world.story().back(), "dump_bugchecks bugcheck 0xabcd");
}

TEST(CrashDump, MovedWritesAreCountedOneByOne) {
  Crash crash({}, {"moves"});
  crash.file = file_of({{PartitionOffset{0x40000}, plan().size()}});
  crash.go(plan());
  const std::size_t redirected = crash.world.story({"redirected"}).size();
  EXPECT_EQ(crash.world.totals().redirected, redirected);
  EXPECT_EQ(redirected, 2u) << "8 KiB on: the last pages leave the file, and the log does";
  const std::vector<std::byte> moved = filled(plan(), crash.world);
  const auto from = crash.world.disk().content().begin() + start + 0x40000 + 0x2000;
  EXPECT_TRUE(std::equal(moved.begin(), moved.end(), from)) << "the whole dump, 8 KiB on";
}

TEST(Hibernation, WritesAndReadsBackThroughTheFilters) {
  World world({.ram = small_ram});
  const disk::ExtentMap file = file_of({{PartitionOffset{0x40000}, 0x10000}, {PartitionOffset{0x80000}, 0x40000}});
  auto stack = loaded(world, {"plain"}, Usage::hibernation);
  EXPECT_TRUE(write_hibernation(world.env(), *stack, file, small_ram));
  EXPECT_EQ(world.totals().hibernated_pages, 45u);
  EXPECT_THAT(world.story({"section"}),
              ElementsAre("section hibernation header, not yet valid", "section hibernation pages",
                          "section hibernation header made valid"));
  const auto* front = world.disk().content().data() + start + 0x40000;
  EXPECT_EQ(std::memcmp(front, "HIBR", 4), 0);
  read_hibernation(world.env(), *stack, file, small_ram);
  EXPECT_EQ(world.totals().resumed_pages, 46u) << "and the header";
  EXPECT_EQ(world.totals().resumed_different, 0u);
  stack->unload();
  EXPECT_EQ(world.story().back(), "hiber_plain gone");
}

TEST(Hibernation, PagesThatComeBackDifferentAreCounted) {
  World world({.ram = small_ram});
  const disk::ExtentMap file = file_of({{PartitionOffset{0x40000}, 0x40000}});
  auto stack = loaded(world, {"adds"}, Usage::hibernation);  // its read is not the inverse of its write
  EXPECT_TRUE(write_hibernation(world.env(), *stack, file, small_ram));
  read_hibernation(world.env(), *stack, file, small_ram);
  EXPECT_EQ(world.totals().resumed_different, 46u);
}

TEST(Hibernation, AFileThatIsTooSmallFails) {
  World world({.ram = small_ram});
  const disk::ExtentMap file = file_of({{PartitionOffset{0x40000}, 45 * page_size}});
  auto stack = loaded(world, {"plain"}, Usage::hibernation);
  EXPECT_FALSE(write_hibernation(world.env(), *stack, file, small_ram));
  EXPECT_EQ(world.totals().hibernated_pages, 0u);
  EXPECT_NE(std::memcmp(world.disk().content().data() + start + 0x40000, "HIBR", 4), 0);
}

}  // namespace
}  // namespace dumpsim::stack
