// SPDX-License-Identifier: Apache-2.0
// What a scenario comes to before anything runs: where files lie, which pages a dump holds, which forms cannot hold
// them.
#include "engine/plan.hpp"

#include <gmock/gmock.h>

#include "engine_fixture.hpp"

namespace dumpsim::engine {
namespace {

using testing::HasSubstr;

Plan plan_of(const scenario::Scenario& scenario) {
  auto made = plan(scenario);
  if (!made) throw std::runtime_error(made.error().message);
  return *std::move(made);
}

bool apart(const disk::ExtentMap& a, const disk::ExtentMap& b) {
  for (const disk::Extent& extent : a.extents()) {
    if (b.touches(extent.at, extent.bytes)) return false;
  }
  return true;
}

TEST(Plan, LaysTheFilesOutApartAndInsideThePartition) {
  const scenario::Scenario scenario = scenario_of(R"(
timeline = ["boot", "hibernate", "resume", "crash", "next-boot"]
[dump]
file = { size = "4 MiB", fragments = 7, seed = 3 }
[hibernation]
file = { size = "2 MiB", fragments = 3, seed = 4 }
)");
  const Plan plan = plan_of(scenario);
  EXPECT_EQ(plan.dump_file.size(), 4u << 20);
  EXPECT_EQ(plan.dump_file.extents().size(), 7u);
  EXPECT_EQ(plan.hibernation_file.size(), 2u << 20);
  EXPECT_EQ(plan.hibernation_file.extents().size(), 3u);
  EXPECT_FALSE(plan.log_file.empty());
  EXPECT_TRUE(apart(plan.dump_file, plan.hibernation_file));
  EXPECT_TRUE(apart(plan.dump_file, plan.log_file));
  EXPECT_TRUE(apart(plan.hibernation_file, plan.log_file));
  for (const disk::ExtentMap* map : {&plan.dump_file, &plan.hibernation_file, &plan.log_file}) {
    for (const disk::Extent& extent : map->extents()) EXPECT_LE(extent.at.bytes + extent.bytes, plan.partition_size);
  }
  EXPECT_EQ(plan.partition_start, DiskOffset{1u << 20});
}

TEST(Plan, OneSeedIsOneLayout) {
  const auto with = [](int seed) {
    return plan_of(scenario_of("[dump]\nfile = { size = \"4 MiB\", fragments = 7, seed = " + std::to_string(seed) +
                               " }\n[disk]\npartition_size = \"32 MiB\"\n"));
  };
  const auto extents = [](const Plan& plan) {
    return std::vector<disk::Extent>(plan.dump_file.extents().begin(), plan.dump_file.extents().end());
  };
  EXPECT_EQ(extents(with(1)), extents(with(1)));
  EXPECT_NE(extents(with(1)), extents(with(2)));
}

TEST(Plan, FilesAppearOnlyWhenTheyTakePart) {
  EXPECT_TRUE(plan_of(scenario_of("")).hibernation_file.empty());
  EXPECT_TRUE(plan_of(scenario_of("[policy]\ndump_log = \"none\"\n")).log_file.empty());
  EXPECT_TRUE(plan_of(scenario_of("[system]\nprofile = \"windows-7\"\n")).log_file.empty());
}

TEST(Plan, TakesGivenExtentsAsTheyAre) {
  const Plan plan = plan_of(scenario_of(R"(
[dump]
file = { extents = [{ offset = "8 MiB", size = "1 MiB" }, { offset = "2 MiB", size = "512 KiB" }] }
[disk]
partition_size = "16 MiB"
)"));
  ASSERT_EQ(plan.dump_file.extents().size(), 2u);
  EXPECT_EQ(plan.dump_file.extents()[0], (disk::Extent{PartitionOffset{8u << 20}, 1u << 20}));
  EXPECT_EQ(plan.dump_file.extents()[1], (disk::Extent{PartitionOffset{2u << 20}, 512u << 10}));
  EXPECT_TRUE(apart(plan.dump_file, plan.log_file));
}

TEST(Plan, FormsFollowKindAndProfile) {
  const auto type = [](std::string_view text) { return plan_of(scenario_of(text)).layout->type(); };
  EXPECT_EQ(type("[system]\nprofile = \"windows-7\"\n"), 1u);
  EXPECT_EQ(type("[system]\nprofile = \"windows-10\"\n"), 5u);
  EXPECT_EQ(type("[dump]\nformat = \"full\"\n"), 1u);
  EXPECT_EQ(type("[dump]\nkind = \"kernel\"\n"), 6u);
  EXPECT_EQ(type("[dump]\nkind = \"automatic\"\n"), 6u);
  EXPECT_EQ(type("[dump]\nkind = \"active\"\n"), 6u);
  const Plan none = plan_of(scenario_of("[dump]\nkind = \"none\"\n"));
  EXPECT_FALSE(none.layout.has_value());
  EXPECT_FALSE(none.stored.has_value());
}

TEST(Plan, AFullDumpHasRoomFor42Runs) {
  const auto with = [](std::uint64_t runs) {
    scenario::Scenario scenario = scenario_of("[system]\nprofile = \"windows-7\"\n");
    scenario.system.memory.runs.clear();
    for (std::uint64_t i = 0; i < runs; ++i) scenario.system.memory.runs.push_back({i * 4, 2});
    scenario::fill_defaults(scenario);
    return plan(scenario);
  };
  EXPECT_TRUE(with(42));
  const auto refused = with(43);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("42"));
  EXPECT_THAT(refused.error().message, HasSubstr("43"));
}

TEST(Plan, StoresThePagesThatWereAskedFor) {
  const Plan ranges = plan_of(scenario_of(R"(
[dump]
kind = "kernel"
pages = { ranges = [{ first = 2, count = 3 }, { first = 40, count = 1 }] }
)"));
  EXPECT_EQ(ranges.stored->count(), 4u);
  EXPECT_TRUE(ranges.stored->contains(2) && ranges.stored->contains(4) && ranges.stored->contains(40));
  EXPECT_FALSE(ranges.stored->contains(5));
  const Plan share = plan_of(scenario_of("[dump]\nkind = \"kernel\"\npages = { share = 0.5, seed = 9 }\n"));
  EXPECT_GT(share.stored->count(), 8u);
  EXPECT_LT(share.stored->count(), 56u);
  EXPECT_EQ(plan_of(scenario_of("")).stored->count(), 64u);
}

TEST(Plan, HibernatesAsManyPagesAsAsked) {
  const auto pages = [](const Plan& plan) { return dumpfile::total_pages(plan.hibernated); };
  EXPECT_EQ(pages(plan_of(scenario_of("timeline = [\"boot\", \"hibernate\", \"resume\"]\n"))), 64u);
  EXPECT_EQ(pages(plan_of(scenario_of("timeline = [\"boot\", \"hibernate\", \"resume\"]\n[hibernation]\npages = 5\n"))),
            5u);
  EXPECT_EQ(pages(plan_of(scenario_of(R"(
timeline = ["boot", "hibernate", "resume"]
[hibernation]
pages = 5
[system.memory]
runs = [{ base = 0, size = "12 KiB" }, { base = "1 MiB", size = "1 MiB" }]
)"))),
            5u);
}

TEST(Plan, FilesThatDoNotFitAreRefused) {
  scenario::Scenario scenario = scenario_of("");
  scenario.dump.file.size = scenario.disk.partitions[0].size;
  const auto refused = plan(scenario);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("dump file"));
}

TEST(Plan, FilesAtGivenPlacesThatOverlapAreRefused) {
  scenario::Scenario scenario = scenario_of(R"(
timeline = ["boot", "hibernate", "resume"]
[dump]
file = { offset = "1 MiB", size = "2 MiB" }
[hibernation]
file = { offset = "4 MiB", size = "2 MiB" }
[disk]
partition_size = "16 MiB"
)");
  EXPECT_TRUE(plan(scenario)) << "the control";
  scenario.hibernation.file.offset = PartitionOffset{2u << 20};
  EXPECT_FALSE(plan(scenario));
}

TEST(Plan, AnImageOfMemoryThatIsNotThereIsNamed) {
  scenario::Scenario scenario = scenario_of("");
  scenario.system.memory.fill = scenario::Fill::image;
  scenario.system.memory.image = "no/such/memory.raw";
  const auto refused = plan(scenario);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("no/such/memory.raw"));
}

TEST(Plan, PatienceIsAMultipleOfTheProcessorTime) {
  scenario::Scenario scenario = scenario_of("");
  scenario.limits.cpu_seconds = 10;
  EXPECT_EQ(stuck_seconds(scenario), 30u);
  scenario.limits.cpu_seconds = 0;
  EXPECT_EQ(stuck_seconds(scenario), 3u);
}

}  // namespace
}  // namespace dumpsim::engine
