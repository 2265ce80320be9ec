// SPDX-License-Identifier: Apache-2.0
// Loading a stack: what each DriverEntry is given by profile, in what order, and what a failure does, with CRITICAL and
// without, under both readings of it.
#include <gtest/gtest.h>

#include "wdk/ntddk.h"
#include "world.hpp"

namespace dumpsim::stack {
namespace {

using policy::Policy;
using policy::Profile;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::int32_t unsuccessful = static_cast<std::int32_t>(0xC0000001);

TEST(Load, CallsDriverEntriesInDumpFiltersOrderThenNotifies) {
  World world;
  auto stack = loaded(world, {"second", "plain", "not_encrypted"});
  EXPECT_THAT(world.story(), ElementsAre("dump_second DriverEntry", "dump_plain DriverEntry",
                                         "dump_not_encrypted DriverEntry", "usage 3 in"));
  EXPECT_EQ(stack->filter_count(), 3u);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(stack->entry_status(i), 0);
  EXPECT_EQ(static_cast<std::uint32_t>(stack->entry_status(3)), 0xC0000225u) << "there is no such filter";
}

TEST(Load, GoesThroughTheStagesOfTheLoader) {
  World world;
  auto stack = loaded(world, {"plain"});
  std::vector<std::uint64_t> stages;
  const trace::TraceView view = world.view();
  for (const trace::Event& event : view) {
    if (event.record.kind == trace::Kind::stack_stage) stages.push_back(event.record.arg);
  }
  EXPECT_THAT(stages, ElementsAre(0x2001, 0x2002, 0x2003, 0x2004, 0x2005, 0x2006, 0x2007));
  EXPECT_EQ(world.totals().stage, 0u);
}

struct Prefilled {
  Profile profile;
  const char* entry;
  const char* extension;
};

class Prefill : public testing::TestWithParam<Prefilled> {};

// Windows 7's FILTER_EXTENSION ends before Size: what a filter finds there is the host's guard.
INSTANTIATE_TEST_SUITE_P(
    EveryProfile, Prefill,
    testing::Values(Prefilled{Profile::windows_7, "version 1.0, 16 pages, flags 0, type 1, DumpData 0 and 0, apart 56",
                              "size a5a5a5a5, flags a5a5a5a5, device 1, sector 512, disk 1000000"},
                    Prefilled{Profile::windows_8_1,
                              "version 2.0, 16 pages, flags 3, type 1, DumpData 0 and 0, apart 64",
                              "size 58, flags 0, device 1, sector 512, disk 1000000"},
                    Prefilled{Profile::windows_10, "version 2.0, 16 pages, flags 3, type 1, DumpData 0 and 0, apart 64",
                              "size 58, flags 0, device 1, sector 512, disk 1000000"},
                    Prefilled{Profile::windows_11, "version 2.0, 16 pages, flags 3, type 1, DumpData 0 and 0, apart 72",
                              "size 58, flags 0, device 1, sector 512, disk 1000000"},
                    Prefilled{Profile::windows_11_25h2,
                              "version 2.0, 16 pages, flags 3, type 1, DumpData 0 and 0, apart 72",
                              "size 58, flags 0, device 1, sector 512, disk 1000000"}),
    [](const auto& each) { return "Profile" + std::to_string(static_cast<int>(each.param.profile)); });

TEST_P(Prefill, IsWhatDriverEntryFinds) {
  World world({.profile = GetParam().profile});
  auto stack = loaded(world, {"plain"});
  EXPECT_THAT(world.debug_output(), ElementsAre(std::string("dump_plain entry: ") + GetParam().entry,
                                                std::string("dump_plain extension: ") + GetParam().extension));
}

TEST(Load, PoliciesOverrideWhatIsPrefilled) {
  World world({.policies = {{Policy::max_pages_per_write, "5"}, {Policy::init_flags, "2"}, {Policy::init_size, "56"}}});
  auto stack = loaded(world, {"plain"});
  EXPECT_THAT(world.debug_output()[0], HasSubstr("5 pages, flags 2"));
  EXPECT_THAT(world.debug_output()[0], HasSubstr("apart 56"));
  EXPECT_EQ(stack->max_pages(), 5u);
}

TEST(Load, AHibernationStackIsAnotherInstance) {
  World world({.policies = {{Policy::hibernation_max_pages, "7"}}});
  auto crash = loaded(world, {"plain"});
  auto hibernation = loaded(world, {"plain"}, Usage::hibernation);
  EXPECT_THAT(world.story(),
              ElementsAre("dump_plain DriverEntry", "usage 3 in", "hiber_plain DriverEntry", "usage 2 in"));
  EXPECT_THAT(world.debug_output()[2], HasSubstr("hiber_plain entry: version 2.0, 7 pages, flags 3, type 2"));
  EXPECT_EQ(hibernation->usage(), Usage::hibernation);
  EXPECT_EQ(hibernation->max_pages(), 7u);
}

TEST(Load, DumpDataIsCopiedAfterDriverEntry) {
  World world;
  auto stack = loaded(world, {"plain", "fails"});
  stack->start_filters();
  const std::vector<std::string> lines = world.debug_output();
  EXPECT_THAT(lines[0], HasSubstr("DumpData 0 and 0")) << "not before";
  EXPECT_EQ(lines.back(), "dump_plain start: DumpData is mine");
}

TEST(Load, AnUncriticalFailureDisablesTheFilterAndLoads) {
  for (const char* test : {"negative", "not-success"}) {
    SCOPED_TRACE(test);
    World world({.policies = {{Policy::critical_test, test}}});
    auto stack = loaded(world, {"plain", "fails", "second"});
    EXPECT_EQ(stack->entry_status(1), unsuccessful);
    EXPECT_EQ(world.totals().disabled_with[1], unsuccessful);
    stack->start_filters();
    EXPECT_THAT(world.story({"fails", "Start"}),
                ElementsAre("dump_fails DriverEntry", "dump_fails disabled by DriverEntry", "dump_plain DumpStart",
                            "dump_second DumpStart"));
  }
}

TEST(Load, ACriticalFailureStopsTheWholeStack) {
  for (const char* test : {"negative", "not-success"}) {
    SCOPED_TRACE(test);
    World world({.policies = {{Policy::critical_test, test}}});
    DumpStack stack(world.env(), Usage::crash, World::filters({"plain", "fails_critical", "second"}));
    auto status = stack.load();
    ASSERT_TRUE(status);
    EXPECT_EQ(*status, unsuccessful);
    EXPECT_FALSE(stack.loaded());
    EXPECT_THAT(world.story(), ElementsAre("dump_plain DriverEntry", "dump_fails_critical DriverEntry",
                                           "dump_plain gone", "dump_fails_critical gone", "dump_second gone"))
        << "the loop stops at once, nobody is notified";
    EXPECT_EQ(world.totals().stage, 0x2006u);
    EXPECT_EQ(world.totals().stage_status, unsuccessful);
    EXPECT_EQ(stack.filter_count(), 0u);
  }
}

TEST(Load, AFailedLoadLeavesNoImageBehind) {
  World world;
  DumpStack stack(world.env(), Usage::crash, World::filters({"plain", "fails_critical"}));
  auto status = stack.load();
  ASSERT_TRUE(status);
  ASSERT_LT(*status, 0);
  EXPECT_TRUE(world.env().images.empty()) << "addresses are named by images that are there";
  // A second attempt, as a later boot or enabling dumps makes it, meets nothing of the first.
  DumpStack again(world.env(), Usage::crash, World::filters({"plain"}));
  auto second = again.load();
  ASSERT_TRUE(second);
  EXPECT_EQ(*second, 0);
  EXPECT_EQ(world.env().images.size(), 1u);
}

TEST(Load, ThePoliciesDifferOnAPositiveStatusOfACriticalFilter) {
  {
    World world({.policies = {{Policy::critical_test, "negative"}}});
    auto stack = loaded(world, {"one_critical", "plain"});
    EXPECT_EQ(stack->entry_status(0), 1);
    EXPECT_EQ(world.totals().disabled_with[0], 0);
    EXPECT_NE(world.totals().policies_rested_on & (1u << static_cast<unsigned>(Policy::critical_test)), 0u);
  }
  World world({.policies = {{Policy::critical_test, "not-success"}}});
  DumpStack stack(world.env(), Usage::crash, World::filters({"one_critical", "plain"}));
  auto status = stack.load();
  ASSERT_TRUE(status);
  EXPECT_LT(*status, 0);
  EXPECT_NE(world.totals().policies_rested_on & (1u << static_cast<unsigned>(Policy::critical_test)), 0u);
}

TEST(Load, APositiveStatusOfAnUncriticalFilterIsSuccess) {
  for (const char* test : {"negative", "not-success"}) {
    SCOPED_TRACE(test);
    World world({.policies = {{Policy::critical_test, test}}});
    auto stack = loaded(world, {"one"});
    stack->start_filters();
    EXPECT_THAT(world.story({"DumpStart", "disabled"}), ElementsAre("dump_one DumpStart"));
    EXPECT_EQ(world.totals().policies_rested_on & (1u << static_cast<unsigned>(Policy::critical_test)), 0u);
  }
}

TEST(Load, FlagsLeftAsTheyWereMeanCriticalFromWindows8On) {
  {
    World world({.profile = Profile::windows_7});
    auto stack = loaded(world, {"fails_untouched"});
    EXPECT_EQ(world.totals().disabled_with[0], unsuccessful);
  }
  World world({.profile = Profile::windows_11});
  DumpStack stack(world.env(), Usage::crash, World::filters({"fails_untouched"}));
  auto status = stack.load();
  ASSERT_TRUE(status);
  EXPECT_EQ(*status, unsuccessful) << "bit 0 of what it was given is CRITICAL on the way back";
}

TEST(Load, AWriteBehindTheExtensionIsReported) {
  {
    World world;
    auto stack = loaded(world, {"past_extension_88"});
    EXPECT_THAT(world.story({"violation"}), ElementsAre("violation init.written-past-host-size"));
  }
  World control;  // a process holds one machine at a time
  auto other = loaded(control, {"plain"});
  EXPECT_THAT(control.story({"violation"}), testing::IsEmpty());
}

TEST(Load, AnImageThatIsNoneIsAUsersMistake) {
  World world;
  const std::vector<FilterSpec> missing{{.path = World::fixture("nobody"), .name = "nobody"}};
  DumpStack stack(world.env(), Usage::crash, missing);
  auto status = stack.load();
  ASSERT_FALSE(status);
  EXPECT_THAT(status.error().message, HasSubstr("stack_nobody.so"));
}

TEST(Load, AnEmptyListOfFiltersIsAStackAllTheSame) {
  World world;
  auto stack = loaded(world, {});
  EXPECT_EQ(stack->start(), 0);
  EXPECT_EQ(stack->finish(), 0);
  stack->unload();
  EXPECT_THAT(world.story(), ElementsAre("usage 3 in", "port opened", "port finished", "usage 3 out"));
}

}  // namespace
}  // namespace dumpsim::stack
