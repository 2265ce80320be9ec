// SPDX-License-Identifier: Apache-2.0
// Start, write and finish: the order of calls, what an error does (very little), and that what a filter leaves in the
// offset and the MDL is what the next filter and the port get.
#include <gtest/gtest.h>

#include "wdk/ntddk.h"
#include "world.hpp"

namespace dumpsim::stack {
namespace {

using policy::Policy;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::uint64_t start = 64 * 1024;  // WorldOptions::partition_start
constexpr std::int32_t unsuccessful = static_cast<std::int32_t>(0xC0000001);

std::vector<std::byte> on_disk(World& world, std::uint64_t partition_offset, std::size_t bytes) {
  const auto from = world.disk().content().begin() + static_cast<std::ptrdiff_t>(start + partition_offset);
  return {from, from + static_cast<std::ptrdiff_t>(bytes)};
}

std::vector<std::byte> memory_of(World& world, Pfn first, std::uint64_t pages) {
  std::vector<std::byte> bytes(pages * page_size);
  world.memory().source().read_pages(first, pages, bytes.data());
  return bytes;
}

TransferResult write(World& world, DumpStack& stack, std::uint64_t at, Pfn first, std::uint64_t pages = 1) {
  return stack.write(PartitionOffset{at}, {world.memory().show_ram(first, pages), pages * page_size});
}

TEST(Callbacks, StartComesBeforeOrAfterThePortOpens) {
  for (const bool before : {true, false}) {
    World world({.policies = {{Policy::start_order, before ? "before-port-open" : "after-port-open"}}});
    auto stack = loaded(world, {"plain", "second"});
    EXPECT_EQ(stack->start(), 0);
    if (before) {
      EXPECT_THAT(world.story({"DumpStart", "port"}),
                  ElementsAre("dump_plain DumpStart", "dump_second DumpStart", "port opened"));
    } else {
      EXPECT_THAT(world.story({"DumpStart", "port"}),
                  ElementsAre("port opened", "dump_plain DumpStart", "dump_second DumpStart"));
    }
  }
}

TEST(Callbacks, FinishComesBeforeOrAfterThePortFinishes) {
  for (const bool before : {true, false}) {
    World world({.policies = {{Policy::finish_order, before ? "before-port-finish" : "after-port-finish"}}});
    auto stack = loaded(world, {"plain", "second"});
    EXPECT_EQ(stack->finish(), 0);
    if (before) {
      EXPECT_THAT(world.story({"DumpFinish", "port"}),
                  ElementsAre("dump_plain DumpFinish", "dump_second DumpFinish", "port finished"));
    } else {
      EXPECT_THAT(world.story({"DumpFinish", "port"}),
                  ElementsAre("port finished", "dump_plain DumpFinish", "dump_second DumpFinish"));
    }
  }
}

TEST(Callbacks, EveryFilterSeesAWriteInListOrderThenThePort) {
  World world;
  auto stack = loaded(world, {"second", "plain"});
  const TransferResult result = write(world, *stack, 0x4000, 9);
  EXPECT_EQ(result.filter_status, 0);
  EXPECT_EQ(result.port_status, 0);
  EXPECT_EQ(result.changes, 0u);
  EXPECT_EQ(result.offset, PartitionOffset{0x4000});
  EXPECT_THAT(world.story({"Write", "write"}),
              ElementsAre("dump_second DumpWrite", "dump_plain DumpWrite", "port write 0x14000 +4096"));
  EXPECT_EQ(on_disk(world, 0x4000, page_size), memory_of(world, 9, 1));
}

TEST(Callbacks, CallbacksRunAtHighLevelAndDriverEntryAtPassive) {
  World world;
  auto stack = loaded(world, {"plain"});
  stack->start();
  write(world, *stack, 0, 0);
  stack->finish();
  stack->unload();
  const trace::TraceView view = world.view();
  for (const trace::Event& event : view) {
    if (event.record.kind != trace::Kind::callback_entered) continue;
    const bool quiet =
        event.record.callback == trace::Callback::driver_entry || event.record.callback == trace::Callback::unload;
    EXPECT_EQ(event.record.irql, quiet ? 0 : 15) << trace::name_of(event.record.callback);
  }
  EXPECT_EQ(world.machine().processor.irql, 0);
}

TEST(Callbacks, AnAbsentCallbackIsSkippedAndToldOnce) {
  World world;
  auto stack = loaded(world, {"late_write", "plain"});
  write(world, *stack, 0, 0);
  write(world, *stack, 4096, 1);
  EXPECT_THAT(world.story({"late_write", "port"}),
              ElementsAre("dump_late_write DriverEntry", "dump_late_write has no DumpWrite", "port write 0x10000 +4096",
                          "port write 0x11000 +4096"));
}

TEST(Callbacks, APointerSetLaterIsHonoured) {
  World world;
  auto stack = loaded(world, {"late_write"});
  stack->start();
  write(world, *stack, 0, 0);
  EXPECT_THAT(world.story({"DumpWrite"}), ElementsAre("dump_late_write DumpWrite"));
}

TEST(Callbacks, AnErrorOfStartDisablesTheFilterAndTheDumpGoesOn) {
  World world;
  auto stack = loaded(world, {"start_fails", "plain"});
  EXPECT_EQ(stack->start(), 0) << "the last filter's";
  const TransferResult result = write(world, *stack, 0, 3);
  EXPECT_EQ(result.port_status, 0);
  EXPECT_THAT(world.story({"start_fails", "violation lifecycle", "port write"}),
              ElementsAre("dump_start_fails DriverEntry", "dump_start_fails DumpStart",
                          "violation lifecycle.error-lets-plaintext-through", "dump_start_fails disabled by DumpStart",
                          "port write 0x10000 +4096"));
  EXPECT_EQ(on_disk(world, 0, page_size), memory_of(world, 3, 1)) << "in clear";
  EXPECT_EQ(world.totals().disabled_with[0], unsuccessful);
}

TEST(Callbacks, AStartThatSaysNotEncryptedLetsNothingThrough) {
  World world;
  auto stack = loaded(world, {"not_encrypted"});
  EXPECT_LT(stack->start(), 0);
  EXPECT_THAT(world.story({"violation lifecycle", "disabled"}),
              ElementsAre("dump_not_encrypted disabled by DumpStart"));
}

TEST(Callbacks, AnErrorOfWriteStopsNeitherThatWriteNorThoseBehindIt) {
  World world;
  auto stack = loaded(world, {"write_fails_second", "plain"});
  for (std::uint64_t i = 0; i < 3; ++i) {
    const TransferResult result = write(world, *stack, i * page_size, i);
    EXPECT_EQ(result.port_status, 0);
  }
  EXPECT_THAT(world.story({"DumpWrite", "port write", "disabled", "violation lifecycle"}),
              ElementsAre("dump_write_fails_second DumpWrite", "dump_plain DumpWrite", "port write 0x10000 +4096",
                          "dump_write_fails_second DumpWrite", "violation lifecycle.error-lets-plaintext-through",
                          "dump_write_fails_second disabled by DumpWrite", "dump_plain DumpWrite",
                          "port write 0x11000 +4096", "dump_plain DumpWrite", "port write 0x12000 +4096"));
  EXPECT_EQ(on_disk(world, 0, 3 * page_size), memory_of(world, 0, 3));
}

TEST(Callbacks, UnderIgnoreTheFilterStaysInTheStack) {
  World world({.policies = {{Policy::filter_failure, "ignore"}}});
  auto stack = loaded(world, {"write_fails_second"});
  for (std::uint64_t i = 0; i < 3; ++i) write(world, *stack, i * page_size, i);
  EXPECT_EQ(world.story({"DumpWrite"}).size(), 3u);
  EXPECT_THAT(world.story({"disabled"}), IsEmpty());
  EXPECT_EQ(world.story({"violation lifecycle"}).size(), 2u);
  EXPECT_NE(world.totals().policies_rested_on & (1u << static_cast<unsigned>(Policy::filter_failure)), 0u);
}

TEST(Callbacks, AnErrorOfFinishOnlyDisables) {
  World world;
  auto stack = loaded(world, {"finish_fails", "plain"});
  EXPECT_EQ(stack->finish(), 0);
  write(world, *stack, 0, 0);
  EXPECT_THAT(world.story({"DumpFinish", "disabled", "DumpWrite", "violation"}),
              ElementsAre("dump_finish_fails DumpFinish", "dump_finish_fails disabled by DumpFinish",
                          "dump_plain DumpFinish", "dump_plain DumpWrite"));
}

TEST(Callbacks, AMovedOffsetIsHonouredAndPassedOn) {
  World world;
  const disk::ExtentMap file = file_of({{PartitionOffset{0}, 64 * 1024}});
  auto stack = loaded(world, {"moves", "plain"});
  stack->set_file(&file);
  const TransferResult result = write(world, *stack, 0x1000, 5);
  EXPECT_EQ(result.offset, PartitionOffset{0x3000});
  EXPECT_NE(result.changes & trace::change_offset, 0u);
  EXPECT_EQ(on_disk(world, 0x3000, page_size), memory_of(world, 5, 1));
  EXPECT_EQ(world.totals().redirected, 0u) << "still inside the file";
  std::vector<std::uint64_t> entered;
  const trace::TraceView view = world.view();
  for (const trace::Event& event : view) {
    if (event.record.kind == trace::Kind::callback_entered && event.record.callback == trace::Callback::write)
      entered.push_back(event.record.offset);
  }
  EXPECT_THAT(entered, ElementsAre(0x1000, 0x3000)) << "the second filter sees what the first left";
}

TEST(Callbacks, AnEditIsHonouredThoughTheCallbackFails) {
  World world;
  auto stack = loaded(world, {"moves_then_fails"});
  EXPECT_EQ(write(world, *stack, 0, 5).offset, PartitionOffset{0x2000});
  EXPECT_EQ(on_disk(world, 0x2000, page_size), memory_of(world, 5, 1));
  EXPECT_EQ(write(world, *stack, 0, 6).offset, PartitionOffset{0}) << "disabled: the next goes where it was sent";
}

TEST(Callbacks, WhatLeavesTheFileIsRedirectedByTheFilterThatMovedIt) {
  World world;
  const disk::ExtentMap file = file_of({{PartitionOffset{0}, 8192}});
  auto stack = loaded(world, {"moves", "plain"});
  stack->set_file(&file);
  write(world, *stack, 0x1000, 5);
  EXPECT_EQ(world.totals().redirected, 1u);
  EXPECT_THAT(world.story({"redirected", "violation"}),
              ElementsAre("violation offset.outside-dump-file", "redirected by dump_moves from 0x1000 to 0x3000"));
}

TEST(Callbacks, AMoveThatIsMovedBackIsNoRedirection) {
  World world;
  const disk::ExtentMap file = file_of({{PartitionOffset{0}, 8192}});
  std::vector<FilterSpec> specs = World::filters({"moves", "moves_back"});
  specs[0].redirects = true;  // declared: moving is not reported, leaving the file is counted all the same
  DumpStack stack(world.env(), Usage::crash, specs);
  ASSERT_TRUE(stack.load());
  stack.set_file(&file);
  const TransferResult result = write(world, stack, 0x1000, 5);
  EXPECT_EQ(result.offset, PartitionOffset{0x1000});
  EXPECT_EQ(world.totals().redirected, 0u);
  EXPECT_THAT(world.story({"redirected", "violation"}), IsEmpty());
}

TEST(Callbacks, AWriteThatTheHostSendsOutsideTheFileIsNotTheFilters) {
  World world;
  const disk::ExtentMap file = file_of({{PartitionOffset{0}, 8192}});
  auto stack = loaded(world, {"plain"});
  stack->set_file(&file);
  write(world, *stack, 0x100000, 5);
  EXPECT_EQ(world.totals().redirected, 0u) << "no filter changed anything";
  EXPECT_THAT(world.story({"redirected"}), IsEmpty());
}

TEST(Callbacks, AGrownMdlIsReportedAndRefusedByThePort) {
  World world;
  auto stack = loaded(world, {"grows"});
  const TransferResult result = write(world, *stack, 0, 5);
  EXPECT_LT(result.port_status, 0);
  EXPECT_THAT(world.story({"violation", "port"}),
              ElementsAre("violation mdl.size-changed", "port write 0x10000 +4294905856 failed"));
  EXPECT_TRUE(world.disk().log.empty());
}

TEST(Callbacks, AWildPfnIsReportedAndRefusedByThePort) {
  World world;
  auto stack = loaded(world, {"wild_pfn"});
  EXPECT_LT(write(world, *stack, 0, 5).port_status, 0);
  EXPECT_THAT(world.story({"violation"}), ElementsAre("violation mdl.pfn-mismatch"));
}

TEST(Callbacks, ABugcheckEndsTheRunInTheMiddle) {
  World world;
  auto stack = loaded(world, {"bugchecks", "plain"});
  write(world, *stack, 0, 0);
  const TransferResult result = write(world, *stack, 4096, 1);
  EXPECT_LT(result.port_status, 0);
  EXPECT_TRUE(stack->ended());
  EXPECT_EQ(world.totals().ended, Ended::bugchecked);
  EXPECT_EQ(world.totals().bugcheck_code, 0xABCDu);
  EXPECT_EQ(world.totals().running.load() & 0xff, static_cast<std::uint32_t>(trace::Callback::write))
      << "the parent names the callback by it";
  EXPECT_THAT(world.story({"DumpWrite", "port write", "bugcheck 0x"}),
              ElementsAre("dump_bugchecks DumpWrite", "dump_plain DumpWrite", "port write 0x10000 +4096",
                          "dump_bugchecks DumpWrite", "dump_bugchecks bugcheck 0xabcd"))
      << "nothing more is written";
}

TEST(Callbacks, OrdinalsCountEveryCallback) {
  World world;
  auto stack = loaded(world, {"plain", "second"});
  EXPECT_EQ(world.totals().ordinal.load(), 2u);
  write(world, *stack, 0, 0);
  EXPECT_EQ(world.totals().ordinal.load(), 4u);
  EXPECT_EQ(world.totals().running.load(), 0u);
}

}  // namespace
}  // namespace dumpsim::stack
