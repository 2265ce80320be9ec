// SPDX-License-Identifier: Apache-2.0
// The MDL that filters are lent: every shape a policy names, field by field, since filters in the field read each of
// these fields and break on the one they did not expect.
#include "stack/transfer_mdl.hpp"

#include <gtest/gtest.h>

#include <cstring>

#include "wdk/ntddk.h"
#include "world.hpp"

namespace dumpsim::stack {
namespace {

using Shape = TransferMdl::Shape;
constexpr std::uint64_t max_pages = 16;

machine::PhysicalMemory make_memory() {
  auto memory = machine::PhysicalMemory::create(std::vector<dumpfile::PageRun>{{0, 64}}, dumpfile::canary_source(), {});
  if (!memory) throw std::runtime_error(memory.error().message);
  return *std::move(memory);
}

class TransferMdlTest : public testing::Test {
 protected:
  const std::uint64_t* pfns(const TransferMdl& transfer) const {
    return reinterpret_cast<const std::uint64_t*>(transfer.mdl() + 1);
  }
  machine::PhysicalMemory memory_ = make_memory();
};

TEST_F(TransferMdlTest, SaysWhatWindowsSaysInEveryShape) {
  struct Row {
    Shape shape;
    bool at_page;
    int flags;
  };
  const Row rows[] = {{Shape::nonpaged, false, MDL_MAPPED_TO_SYSTEM_VA | MDL_SOURCE_IS_NONPAGED_POOL},
                      {Shape::nonpaged, true, MDL_MAPPED_TO_SYSTEM_VA | MDL_SOURCE_IS_NONPAGED_POOL},
                      {Shape::mapped, false, MDL_MAPPED_TO_SYSTEM_VA | MDL_PAGES_LOCKED},
                      {Shape::mapped, true, MDL_MAPPED_TO_SYSTEM_VA | MDL_PAGES_LOCKED},
                      {Shape::mapped_stale_startva, false, MDL_MAPPED_TO_SYSTEM_VA | MDL_PAGES_LOCKED},
                      {Shape::mapped_stale_startva, true, MDL_MAPPED_TO_SYSTEM_VA | MDL_PAGES_LOCKED}};
  const std::byte* page = memory_.show_ram(7, 4);
  for (const Row& row : rows) {
    for (const std::uint32_t byte_offset : {0u, 512u, 3584u}) {
      SCOPED_TRACE(testing::Message() << static_cast<int>(row.shape) << ", page " << row.at_page << ", byte offset "
                                      << byte_offset);
      TransferMdl transfer(memory_, max_pages, row.shape, row.at_page);
      transfer.describe_write(page + byte_offset, 8192, PartitionOffset{0x123400});
      const MDL& mdl = *transfer.mdl();
      EXPECT_EQ(mdl.Next, nullptr);
      EXPECT_EQ(mdl.Process, nullptr);
      EXPECT_EQ(mdl.MdlFlags, row.flags);
      EXPECT_EQ(mdl.ByteCount, 8192u);
      EXPECT_EQ(mdl.ByteOffset, byte_offset);
      EXPECT_EQ(static_cast<std::size_t>(mdl.Size), sizeof(MDL) + (max_pages + 1) * sizeof(std::uint64_t));
      EXPECT_EQ(mdl.MappedSystemVa, row.at_page ? page : page + byte_offset);
      if (row.shape == Shape::mapped_stale_startva) {
        EXPECT_NE(mdl.StartVa, page);
        EXPECT_FALSE(memory_.is_readable(mdl.StartVa));
        EXPECT_EQ(reinterpret_cast<std::uintptr_t>(mdl.StartVa) % page_size, 0u);
      } else {
        EXPECT_EQ(mdl.StartVa, page);
      }
      const std::size_t spanned = byte_offset == 0 ? 2 : 3;
      for (std::size_t i = 0; i < spanned; ++i) EXPECT_EQ(pfns(transfer)[i], 7 + i);
      for (std::size_t i = spanned; i < transfer.pages_capacity(); ++i) EXPECT_EQ(pfns(transfer)[i], 0u);
      EXPECT_EQ(*transfer.offset(), 0x123400);
    }
  }
}

TEST_F(TransferMdlTest, HasRoomForAFullTransferThatBeginsInsideAPage) {
  TransferMdl transfer(memory_, max_pages, Shape::nonpaged, false);
  ASSERT_EQ(transfer.pages_capacity(), max_pages + 1);
  transfer.describe_write(memory_.show_ram(0, max_pages + 1) + 512, max_pages * page_size, PartitionOffset{0});
  EXPECT_EQ(pfns(transfer)[0], 0u);
  EXPECT_EQ(pfns(transfer)[max_pages], max_pages);
}

TEST_F(TransferMdlTest, IsBuiltAfreshEachTime) {
  TransferMdl transfer(memory_, max_pages, Shape::nonpaged, false);
  transfer.describe_write(memory_.show_ram(3, 16), 16 * page_size, PartitionOffset{4096});
  std::memset(static_cast<void*>(transfer.mdl()), 0xEE, sizeof(MDL) + transfer.pages_capacity() * 8);
  *transfer.offset() = -1;
  transfer.describe_write(memory_.show_ram(40, 1), 512, PartitionOffset{8192});
  EXPECT_EQ(transfer.mdl()->Next, nullptr);
  EXPECT_EQ(transfer.mdl()->Process, nullptr);
  EXPECT_EQ(transfer.mdl()->ByteCount, 512u);
  EXPECT_EQ(pfns(transfer)[0], 40u);
  for (std::size_t i = 1; i < transfer.pages_capacity(); ++i) EXPECT_EQ(pfns(transfer)[i], 0u);
  EXPECT_EQ(*transfer.offset(), 8192);
}

TEST_F(TransferMdlTest, StandsInNonpagedMemoryOfTheMachine) {
  TransferMdl transfer(memory_, max_pages, Shape::nonpaged, false);
  EXPECT_EQ(memory_.region_of(transfer.mdl()), machine::PhysicalMemory::Region::arena);
  EXPECT_EQ(memory_.region_of(transfer.offset()), machine::PhysicalMemory::Region::arena);
  const std::size_t held = memory_.allocated_pages();
  EXPECT_GT(held, 0u);
  { TransferMdl another(memory_, 1024, Shape::mapped, true); }
  EXPECT_EQ(memory_.allocated_pages(), held) << "what it took it gives back";
}

TEST_F(TransferMdlTest, FollowsEveryKindOfMemoryByItsPfn) {
  TransferMdl transfer(memory_, max_pages, Shape::mapped, false);
  std::byte* pool = memory_.allocate_pages(2, true);
  transfer.describe_write(pool, 2 * page_size, PartitionOffset{0});
  EXPECT_EQ(pfns(transfer)[0], memory_.pfn_of(pool));
  EXPECT_EQ(memory_.address_of(pfns(transfer)[1]), pool + page_size);
  const std::byte* shown = memory_.show_bytes(pattern(1024), 512);
  transfer.describe_write(shown, 1024, PartitionOffset{0});
  EXPECT_EQ(transfer.mdl()->ByteOffset, 512u);
  EXPECT_EQ(pfns(transfer)[0], memory_.pfn_of(shown));
  memory_.free_pages(pool, 2, true);
}

}  // namespace
}  // namespace dumpsim::stack
