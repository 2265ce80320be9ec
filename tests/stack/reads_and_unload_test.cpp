// SPDX-License-Identifier: Apache-2.0
// Reads pass the port first and the filters behind it, in an order that nobody has published; unloading is the end of
// a stack that did not crash.
#include <gtest/gtest.h>

#include <algorithm>

#include "wdk/ntddk.h"
#include "world.hpp"

namespace dumpsim::stack {
namespace {

using policy::Policy;
using testing::ElementsAre;
using testing::IsEmpty;

/// What the callers of a read get when every byte of the disk is 3.
int read_a_three(World& world, DumpStack& stack) {
  std::fill(world.disk().content().begin(), world.disk().content().end(), std::byte{3});
  std::byte* pages = world.memory().allocate_pages(2, true);
  const TransferResult result = stack.read(PartitionOffset{0x2000}, {pages, 2 * page_size});
  EXPECT_EQ(result.port_status, 0);
  const int first = std::to_integer<int>(pages[0]);
  for (std::size_t i = 0; i < 2 * page_size; ++i) EXPECT_EQ(std::to_integer<int>(pages[i]), first);
  world.memory().free_pages(pages, 2, true);
  return first;
}

TEST(Reads, PassThePortFirstAndTheFiltersInThePolicysOrder) {
  {
    World world({.policies = {{Policy::read_order, "reverse"}}});
    auto stack = loaded(world, {"adds", "doubles"});
    EXPECT_EQ(read_a_three(world, *stack), 3 * 2 + 1);
    EXPECT_THAT(world.story({"Read", "read"}),
                ElementsAre("port read 0x12000 +8192", "dump_doubles DumpRead", "dump_adds DumpRead"));
    EXPECT_NE(world.totals().policies_rested_on & (1u << static_cast<unsigned>(Policy::read_order)), 0u);
  }
  World world({.policies = {{Policy::read_order, "list"}}});
  auto stack = loaded(world, {"adds", "doubles"});
  EXPECT_EQ(read_a_three(world, *stack), (3 + 1) * 2);
}

TEST(Reads, NeedTheBitTheVersionAndThePointer) {
  {
    World world;
    auto stack = loaded(world, {"read_not_supported", "adds", "plain"});
    EXPECT_TRUE(stack->reads_through_filters());
    EXPECT_EQ(read_a_three(world, *stack), 4);
    EXPECT_THAT(world.story({"DumpRead"}), ElementsAre("dump_adds DumpRead"));
  }
  World other;  // a process holds one machine at a time
  auto none = loaded(other, {"read_not_supported", "plain"});
  EXPECT_FALSE(none->reads_through_filters());
  EXPECT_EQ(read_a_three(other, *none), 3);
}

TEST(Reads, DoNotPassTheFiltersWhereTheSystemHasNone) {
  // Windows 7's structure has no DumpRead; a policy can take the support away from a newer one too.
  World world({.policies = {{Policy::read_support, "no"}}});
  auto stack = loaded(world, {"adds"});
  EXPECT_FALSE(stack->reads_through_filters());
  EXPECT_EQ(world.totals().reads_through_filters, 0u);
  EXPECT_EQ(read_a_three(world, *stack), 3);
}

TEST(Reads, AnErrorDisablesAndTheDataIsGivenAllTheSame) {
  World world;
  auto stack = loaded(world, {"adds", "read_fails"});
  EXPECT_EQ(read_a_three(world, *stack), 4);
  EXPECT_THAT(world.story({"DumpRead", "disabled"}),
              ElementsAre("dump_read_fails DumpRead", "dump_read_fails disabled by DumpRead", "dump_adds DumpRead"));
}

TEST(Reads, APortThatFailsCallsNobody) {
  World world;
  auto stack = loaded(world, {"adds"});
  std::byte* page = world.memory().allocate_pages(1, true);
  const TransferResult result = stack->read(PartitionOffset{world.disk().size()}, {page, page_size});
  EXPECT_EQ(result.port_status, STATUS_NONEXISTENT_SECTOR);
  EXPECT_THAT(world.story({"DumpRead"}), IsEmpty());
  world.memory().free_pages(page, 1, true);
}

TEST(Reads, TheBytesAreWritableAndNoViolation) {
  World world;
  auto stack = loaded(world, {"adds"});
  read_a_three(world, *stack);
  EXPECT_THAT(world.story({"violation", "fault"}), IsEmpty());
  EXPECT_THAT(world.changes_of(trace::Callback::read), ElementsAre(0));
}

TEST(Unload, GoesInThePolicysOrderThenTheImagesGo) {
  for (const bool list : {true, false}) {
    World world({.policies = {{Policy::unload_order, list ? "list" : "reverse"}}});
    auto stack = loaded(world, {"plain", "second"});
    stack->unload();
    const std::vector<std::string> tail = world.story({"Unload", "gone", "out"});
    if (list) {
      EXPECT_THAT(tail, ElementsAre("dump_plain DumpUnload", "dump_second DumpUnload", "usage 3 out", "dump_plain gone",
                                    "dump_second gone"));
    } else {
      EXPECT_THAT(tail, ElementsAre("dump_second DumpUnload", "dump_plain DumpUnload", "usage 3 out", "dump_plain gone",
                                    "dump_second gone"));
    }
    EXPECT_FALSE(stack->loaded());
    EXPECT_EQ(stack->filter_count(), 0u);
    EXPECT_TRUE(world.env().images.empty());
    EXPECT_NE(world.totals().policies_rested_on & (1u << static_cast<unsigned>(Policy::unload_order)), 0u);
  }
}

TEST(Unload, OfADisabledFilterIsAPolicy) {
  for (const bool yes : {false, true}) {
    World world({.policies = {{Policy::unload_disabled, yes ? "yes" : "no"}}});
    auto stack = loaded(world, {"fails", "plain"});
    stack->unload();
    if (yes) {
      EXPECT_THAT(world.story({"Unload"}), ElementsAre("dump_fails DumpUnload", "dump_plain DumpUnload"));
    } else {
      EXPECT_THAT(world.story({"Unload"}), ElementsAre("dump_plain DumpUnload"));
    }
    EXPECT_THAT(world.story({"fails gone"}), ElementsAre("dump_fails gone"));
  }
}

TEST(Unload, EachLoadIsAFreshImage) {
  World world;
  auto stack = loaded(world, {"plain"});
  const std::byte* page = world.memory().show_ram(0, 1);
  stack->write(PartitionOffset{0}, {page, page_size});
  stack->unload();
  auto status = stack->load();
  ASSERT_TRUE(status);
  stack->unload();
  std::vector<std::string> counts = world.debug_output();
  std::erase_if(counts, [](const std::string& line) { return line.find("unload:") == std::string::npos; });
  EXPECT_THAT(counts, ElementsAre("dump_plain unload: 1 writes, DumpData is mine",
                                  "dump_plain unload: 0 writes, DumpData is mine"))
      << "globals of the first life are gone";
}

TEST(Unload, WithoutAnyStartIsANormalLife) {
  World world;
  auto stack = loaded(world, {"plain"});
  stack->unload();
  EXPECT_THAT(world.story({"violation", "fault"}), IsEmpty());
}

}  // namespace
}  // namespace dumpsim::stack
