// SPDX-License-Identifier: Apache-2.0
// Ten lines must do: whatever is left out is computed so that the run works. The dump room's own layout is the judge of
// "large enough".
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/random.hpp"
#include "disk/extents.hpp"
#include "dumpfile/dump_layout.hpp"
#include "scenario/scenario.hpp"

namespace dumpsim::scenario {
namespace {

using ::testing::ElementsAre;

constexpr std::uint64_t mib = std::uint64_t{1} << 20;

Scenario read(std::string_view text) {
  Result<Scenario> scenario = parse(text, "test.toml");
  EXPECT_TRUE(scenario.has_value()) << text << "\n" << (scenario ? std::string() : scenario.error().message);
  return scenario ? std::move(*scenario) : Scenario{};
}

/// Whether both files find their places, whichever the engine lays out first.
void expect_places(const Scenario& scenario, const Partition& partition, bool dump_first) {
  std::vector<const FilePlace*> files{&scenario.dump.file, &scenario.hibernation.file};
  if (!dump_first) std::swap(files[0], files[1]);
  std::vector<disk::Extent> reserved;
  for (const FilePlace* file : files) {
    if (file->size == 0) continue;
    const Result<disk::ExtentMap> map = disk::lay_out_file("file", {file->size, file->fragments, file->seed},
                                                           partition.size, scenario.disk.sector_size, reserved);
    ASSERT_TRUE(map.has_value()) << map.error().message;
    EXPECT_TRUE(map->for_each_piece(0, file->size, [&](disk::Extent piece, std::uint64_t) {
      reserved.push_back(piece);
      return true;
    }));
  }
}

/// Whether the dump fits its file and every file finds its place, as the engine will do it.
void expect_runs(const Scenario& scenario) {
  dumpfile::DumpRequest request;
  request.memory = scenario.system.memory.runs;
  const Result<dumpfile::DumpLayout> layout = dumpfile::DumpLayout::plan(request);
  ASSERT_TRUE(layout.has_value()) << layout.error().message;
  EXPECT_LE(layout->size(), scenario.dump.file.size);
  const Partition& partition = scenario.disk.partitions.at(scenario.disk.dump_partition);
  EXPECT_LE(partition.start.bytes + partition.size, scenario.disk.size);
  for (const bool dump_first : {true, false}) expect_places(scenario, partition, dump_first);
}

TEST(Defaults, AnEmptyScenarioIsOne) {
  const Scenario scenario = read("");
  EXPECT_EQ(scenario.title, "test");
  EXPECT_THAT(scenario.system.memory.runs, ElementsAre(dumpfile::PageRun{0, 4096}));
  EXPECT_EQ(scenario.disk.partitions.at(0).start.bytes, mib);
  EXPECT_EQ(scenario.hibernation.file.size, 0u);
  EXPECT_EQ(scenario.expect.recovered, std::nullopt);
  expect_runs(scenario);
}

TEST(Defaults, HoldWhateverTheMachineIs) {
  for (const std::string_view text : {
           "[system]\nmemory = { size = 4096 }",
           "[system]\nmemory = { size = \"4 TiB\" }",
           "[system]\nmemory = { size = \"16 TiB\" }",
           "[system]\nmemory = { runs = [{ base = \"15 TiB\", size = 4096 }] }",
           "[disk]\nsector_size = 4096",
           "[disk]\nstyle = \"none\"",
           "[disk]\nstyle = \"mbr\"\n[dump]\nfile = { fragments = 4000 }",
           "[dump]\nfile = { fragments = 4352 }",
           "[disk]\npartition_offset = \"5 MiB\"",
           "timeline = [\"boot\", \"hibernate\", \"resume\", \"crash\"]",
           "timeline = [\"boot\", \"hibernate\"]\n[hibernation]\nfile = { fragments = 100 }\n[dump]\nfile = { "
           "fragments = 100 }",
       }) {
    SCOPED_TRACE(text);
    expect_runs(read(text));
  }
}

TEST(Defaults, HoldWhateverTheMachineIsUnderSeeds) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    Scenario scenario;
    Pfn next = random.below(64);
    for (std::uint64_t i = random.below(6) + 1; i > 0; --i) {
      const std::uint64_t pages = 1 + random.below(std::uint64_t{1} << random.below(20));
      scenario.system.memory.runs.push_back({next, pages});
      next += pages + 1 + random.below(1000);
    }
    scenario.dump.file.fragments = static_cast<std::uint32_t>(1 + random.below(60));
    scenario.disk.sector_size = random.below(2) == 0 ? 512 : 4096;
    scenario.disk.style = static_cast<PartitionStyle>(random.below(3));
    if (random.below(2) == 0) scenario.timeline = {TimelineStep::boot, TimelineStep::hibernate};
    scenario.hibernation.file.fragments = static_cast<std::uint32_t>(1 + random.below(60));
    fill_defaults(scenario);
    expect_runs(scenario);
  }
}

TEST(Defaults, AnImageDecidesAboutMemoryOnceItIsOpened) {
  Scenario scenario = read("[system]\nmemory = { fill = \"image\", image = \"ram.bin\" }");
  EXPECT_TRUE(scenario.system.memory.runs.empty());
  EXPECT_EQ(scenario.dump.file.size, 0u);
  EXPECT_FALSE(scenario.timeline.empty());
  scenario.system.memory.runs = {{0, 100}};
  fill_defaults(scenario);
  expect_runs(scenario);
  EXPECT_FALSE(read("[system]\nmemory = { size = 4096, fill = \"image\", image = \"x\" }").system.memory.runs.empty());
}

TEST(Defaults, AGivenSizeStays) {
  const Scenario scenario = read("[dump]\nfile = { size = \"64 KiB\" }");
  EXPECT_EQ(scenario.dump.file.size, 65536u) << "too small is a legal scenario";
  const Scenario extents = read(
      "[dump]\nfile = { extents = [{ offset = \"4 MiB\", size = 4096 }, { offset = \"2 MiB\", size = "
      "8192 }] }");
  EXPECT_EQ(extents.dump.file.size, 12288u);
  EXPECT_GE(extents.disk.partitions.at(0).size, 4 * mib + 4096);
}

TEST(Defaults, ADiskOfAGivenSizeGivesItsPartitionTheRest) {
  EXPECT_EQ(read("[disk]\nsize = \"64 MiB\"").disk.partitions.at(0).size, 62 * mib) << "a GPT has a copy at the end";
  EXPECT_EQ(read("[disk]\nsize = \"64 MiB\"\nstyle = \"mbr\"").disk.partitions.at(0).size, 63 * mib);
  EXPECT_EQ(read("[disk]\nsize = \"64 MiB\"\nstyle = \"none\"").disk.partitions.at(0).size, 64 * mib);
}

}  // namespace
}  // namespace dumpsim::scenario
