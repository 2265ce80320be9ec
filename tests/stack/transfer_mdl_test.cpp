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

// ---- the shapes that a write may have beside them

constexpr std::size_t shape_offset = 512;

TEST_F(TransferMdlTest, UnmappedLeavesTheAddressToWhoMapsIt) {
  TransferMdl transfer(memory_, max_pages, Shape::unmapped, false);
  const std::byte* bytes = memory_.show_ram(7, 2);
  transfer.describe_write(bytes, 8192, PartitionOffset{0});
  EXPECT_TRUE(transfer.may_be_mapped());
  EXPECT_EQ(transfer.mdl()->MdlFlags, MDL_PAGES_LOCKED);
  EXPECT_TRUE(TransferMdl::is_stale_start(transfer.mdl()->MappedSystemVa)) << "nobody may read through it";
  EXPECT_FALSE(memory_.is_readable(transfer.mdl()->MappedSystemVa));
  EXPECT_EQ(transfer.mdl()->StartVa, bytes);
  EXPECT_EQ(pfns(transfer)[0], 7u);
  EXPECT_EQ(pfns(transfer)[1], 8u);
  // A filter mapped it and let go of it, and left the flag: the next transfer is not mapped again.
  transfer.mdl()->MdlFlags |= MDL_MAPPED_TO_SYSTEM_VA;
  transfer.mdl()->MappedSystemVa = const_cast<std::byte*>(bytes);
  transfer.describe_write(bytes, 4096, PartitionOffset{0});
  EXPECT_EQ(transfer.mdl()->MdlFlags, MDL_PAGES_LOCKED);
  EXPECT_FALSE(memory_.is_readable(transfer.mdl()->MappedSystemVa));
  for (const Shape shape : {Shape::nonpaged, Shape::mapped, Shape::mapped_stale_startva, Shape::byte_offset,
                            Shape::unaligned_full, Shape::discontiguous, Shape::reused}) {
    EXPECT_FALSE(TransferMdl(memory_, max_pages, shape, false).may_be_mapped()) << static_cast<int>(shape);
  }
}

TEST_F(TransferMdlTest, OneShapeGivesAPageAwayForItsByteOffset) {
  const TransferMdl within(memory_, max_pages, Shape::byte_offset, false);
  EXPECT_EQ(within.most_pages(max_pages), max_pages - 1);
  EXPECT_EQ(within.most_pages(2), 1u);
  EXPECT_EQ(within.most_pages(1), 1u) << "a write has a page at least";
  for (const Shape shape : {Shape::nonpaged, Shape::mapped, Shape::mapped_stale_startva, Shape::unmapped,
                            Shape::unaligned_full, Shape::discontiguous, Shape::reused}) {
    EXPECT_EQ(TransferMdl(memory_, max_pages, shape, false).most_pages(max_pages), max_pages)
        << static_cast<int>(shape);
  }
}

TEST_F(TransferMdlTest, AByteOffsetMovesTheBytesIntoTheirPages) {
  struct Row {
    Shape shape;
    std::size_t pages;    // of the longest write
    std::size_t spanned;  // by it
  };
  for (const Row& row :
       {Row{Shape::byte_offset, max_pages - 1, max_pages}, Row{Shape::unaligned_full, max_pages, max_pages + 1}}) {
    for (const bool at_page : {false, true}) {
      SCOPED_TRACE(testing::Message() << static_cast<int>(row.shape) << ", page " << at_page);
      TransferMdl transfer(memory_, max_pages, row.shape, at_page);
      ASSERT_EQ(transfer.most_pages(max_pages), row.pages);
      const std::byte* bytes = memory_.show_ram(3, row.pages);
      const std::size_t length = row.pages * page_size;
      transfer.describe_write(bytes, static_cast<std::uint32_t>(length), PartitionOffset{0x600});
      const MDL& mdl = *transfer.mdl();
      EXPECT_EQ(mdl.MdlFlags, MDL_MAPPED_TO_SYSTEM_VA | MDL_PAGES_LOCKED);
      EXPECT_EQ(mdl.ByteOffset, shape_offset);
      EXPECT_EQ(mdl.ByteCount, length);
      const auto* start = static_cast<const std::byte*>(mdl.StartVa);
      EXPECT_EQ(mdl.MappedSystemVa, at_page ? start : start + shape_offset);
      EXPECT_EQ(std::memcmp(start + shape_offset, bytes, length), 0);
      for (std::size_t i = 0; i < row.spanned; ++i) EXPECT_EQ(pfns(transfer)[i], memory_.pfn_of(start) + i);
      for (std::size_t i = row.spanned; i < transfer.pages_capacity(); ++i) EXPECT_EQ(pfns(transfer)[i], 0u);
      EXPECT_EQ(*transfer.offset(), 0x600);
    }
  }
}

TEST_F(TransferMdlTest, DiscontiguousPagesAreOneBufferWithPageFramesThatFall) {
  TransferMdl transfer(memory_, max_pages, Shape::discontiguous, false);
  const std::byte* bytes = memory_.show_ram(20, max_pages);
  transfer.describe_write(bytes, max_pages * page_size, PartitionOffset{0});
  const MDL& mdl = *transfer.mdl();
  EXPECT_EQ(mdl.MdlFlags, MDL_MAPPED_TO_SYSTEM_VA | MDL_PAGES_LOCKED);
  EXPECT_EQ(mdl.ByteOffset, 0u);
  EXPECT_EQ(mdl.MappedSystemVa, mdl.StartVa);
  EXPECT_EQ(std::memcmp(mdl.MappedSystemVa, bytes, max_pages * page_size), 0);
  for (std::size_t i = 0; i < max_pages; ++i) {
    EXPECT_EQ(pfns(transfer)[i] + i, pfns(transfer)[0]) << i;
    const std::byte* page = memory_.address_of(pfns(transfer)[i]);
    ASSERT_NE(page, nullptr);
    EXPECT_EQ(std::memcmp(page, bytes + i * page_size, page_size), 0) << "page " << i << " by its frame";
  }
  EXPECT_EQ(pfns(transfer)[max_pages], 0u);
}

TEST_F(TransferMdlTest, ReusedKeepsWhatWasLeftInFlagsSizeAndNext) {
  TransferMdl transfer(memory_, max_pages, Shape::reused, false);
  const std::byte* bytes = memory_.show_ram(7, 2);
  transfer.describe_write(bytes, 8192, PartitionOffset{0});
  MDL& mdl = *transfer.mdl();
  EXPECT_EQ(mdl.MdlFlags, MDL_MAPPED_TO_SYSTEM_VA | MDL_SOURCE_IS_NONPAGED_POOL);
  EXPECT_EQ(mdl.Next, nullptr);
  EXPECT_EQ(static_cast<std::size_t>(mdl.Size), sizeof(MDL) + (max_pages + 1) * sizeof(std::uint64_t));
  MDL other{};
  mdl.Next = &other;
  mdl.Size = 0x111;
  mdl.MdlFlags |= MDL_IO_PAGE_READ;
  mdl.ByteCount = 1;
  mdl.ByteOffset = 9;
  transfer.retire();
  const std::byte* next = memory_.show_ram(40, 1);
  transfer.describe_write(next, 512, PartitionOffset{0x200});
  EXPECT_EQ(mdl.Next, &other);
  EXPECT_EQ(mdl.Size, 0x111);
  EXPECT_EQ(mdl.MdlFlags, MDL_MAPPED_TO_SYSTEM_VA | MDL_SOURCE_IS_NONPAGED_POOL | MDL_IO_PAGE_READ);
  EXPECT_EQ(mdl.MappedSystemVa, next) << "all else is of this transfer";
  EXPECT_EQ(mdl.StartVa, next);
  EXPECT_EQ(mdl.ByteCount, 512u);
  EXPECT_EQ(mdl.ByteOffset, 0u);
  EXPECT_EQ(pfns(transfer)[0], 40u);
  EXPECT_EQ(pfns(transfer)[1], 0u);
  EXPECT_EQ(*transfer.offset(), 0x200);
}

TEST_F(TransferMdlTest, ReadsLieWhereTheyAreWhateverTheShapeOfWrites) {
  std::byte* target = memory_.allocate_pages(2, true);
  for (const Shape shape : {Shape::nonpaged, Shape::mapped, Shape::mapped_stale_startva, Shape::unmapped,
                            Shape::byte_offset, Shape::unaligned_full, Shape::discontiguous, Shape::reused}) {
    SCOPED_TRACE(static_cast<int>(shape));
    TransferMdl transfer(memory_, max_pages, shape, false);
    transfer.describe_write(memory_.show_ram(7, 2), 8192, PartitionOffset{0});
    transfer.describe_read(target, 8192, PartitionOffset{512});
    const MDL& mdl = *transfer.mdl();
    EXPECT_EQ(mdl.MdlFlags,
              MDL_MAPPED_TO_SYSTEM_VA | (shape == Shape::nonpaged ? MDL_SOURCE_IS_NONPAGED_POOL : MDL_PAGES_LOCKED));
    EXPECT_EQ(mdl.MappedSystemVa, target);
    EXPECT_EQ(TransferMdl::is_stale_start(mdl.StartVa), shape == Shape::mapped_stale_startva);
    if (shape != Shape::mapped_stale_startva) {
      EXPECT_EQ(mdl.StartVa, target);
    }
    EXPECT_EQ(mdl.ByteOffset, 0u);
    EXPECT_EQ(pfns(transfer)[0], memory_.pfn_of(target));
    target[0] ^= std::byte{1};
    EXPECT_FALSE(transfer.copy_changed()) << "what was read is nobody's copy";
  }
  memory_.free_pages(target, 2, true);
}

TEST_F(TransferMdlTest, AChangedCopyIsToldOnceAndOnlyWhereThereIsOne) {
  const std::byte* bytes = memory_.show_ram(7, 3);
  for (const Shape shape : {Shape::byte_offset, Shape::unaligned_full, Shape::discontiguous}) {
    SCOPED_TRACE(static_cast<int>(shape));
    TransferMdl transfer(memory_, max_pages, shape, false);
    constexpr std::uint32_t length = 2 * page_size;
    transfer.describe_write(bytes, length, PartitionOffset{0});
    EXPECT_FALSE(transfer.copy_changed());
    auto* shown = static_cast<std::byte*>(transfer.mdl()->MappedSystemVa);
    for (const std::size_t at : {std::size_t{0}, std::size_t{length - 1}}) {
      shown[at] ^= std::byte{1};
      EXPECT_TRUE(transfer.copy_changed()) << at;
      shown[at] ^= std::byte{1};
      EXPECT_FALSE(transfer.copy_changed()) << at;
    }
    shown[length] ^= std::byte{1};
    EXPECT_FALSE(transfer.copy_changed()) << "behind the transfer";
    shown[1] ^= std::byte{1};
    ASSERT_TRUE(transfer.copy_changed());
    transfer.take_changed_copy();
    EXPECT_FALSE(transfer.copy_changed());
    EXPECT_NE(shown[1], bytes[1]) << "and that is what goes to the disk";
    // The next filter or write starts from the bytes as they are.
    transfer.describe_write(bytes, length, PartitionOffset{0});
    EXPECT_EQ(shown[1], bytes[1]);
    shown[0] ^= std::byte{1};
    ASSERT_TRUE(transfer.copy_changed());
    transfer.retire();
    EXPECT_FALSE(transfer.copy_changed()) << "after its transfer it is nobody's";
  }
  for (const Shape shape :
       {Shape::nonpaged, Shape::mapped, Shape::mapped_stale_startva, Shape::unmapped, Shape::reused}) {
    SCOPED_TRACE(static_cast<int>(shape));
    TransferMdl transfer(memory_, max_pages, shape, false);
    std::byte* pool = memory_.allocate_pages(1, true);
    transfer.describe_write(pool, page_size, PartitionOffset{0});
    EXPECT_EQ(transfer.mdl()->StartVa == pool, shape != Shape::mapped_stale_startva);
    pool[0] ^= std::byte{1};
    EXPECT_FALSE(transfer.copy_changed()) << "shown where they lie";
    memory_.free_pages(pool, 1, true);
  }
}

TEST_F(TransferMdlTest, AfterTheTransferItsAddressesLeadNowhere) {
  const std::byte* bytes = memory_.show_ram(7, 2);
  for (const Shape shape : {Shape::nonpaged, Shape::mapped, Shape::mapped_stale_startva, Shape::unmapped,
                            Shape::byte_offset, Shape::unaligned_full, Shape::discontiguous, Shape::reused}) {
    SCOPED_TRACE(static_cast<int>(shape));
    TransferMdl transfer(memory_, max_pages, shape, false);
    transfer.describe_write(bytes, 8192, PartitionOffset{0});
    EXPECT_FALSE(TransferMdl::is_retired(transfer.mdl()->StartVa));
    EXPECT_FALSE(TransferMdl::is_retired(transfer.mdl()->MappedSystemVa));
    transfer.retire();
    for (const void* address : {transfer.mdl()->StartVa, transfer.mdl()->MappedSystemVa}) {
      EXPECT_TRUE(TransferMdl::is_retired(address));
      EXPECT_FALSE(TransferMdl::is_stale_start(address)) << "which of the two it was is told to the author";
      EXPECT_FALSE(memory_.is_readable(address));
    }
  }
}

TEST_F(TransferMdlTest, TellsItsAddressesApartFromThoseOfTheMachine) {
  TransferMdl transfer(memory_, max_pages, Shape::mapped_stale_startva, false);
  transfer.describe_write(memory_.show_ram(7, 1), 4096, PartitionOffset{0});
  const auto* stale = static_cast<const std::byte*>(transfer.mdl()->StartVa);
  transfer.retire();
  const auto* retired = static_cast<const std::byte*>(transfer.mdl()->StartVa);
  // A transfer's length behind the address is still its own.
  for (const std::size_t behind : {std::size_t{1}, max_pages * page_size}) {
    EXPECT_TRUE(TransferMdl::is_stale_start(stale + behind));
    EXPECT_TRUE(TransferMdl::is_retired(retired + behind));
  }
  EXPECT_FALSE(TransferMdl::is_stale_start(stale - 1));
  EXPECT_FALSE(TransferMdl::is_retired(retired - 1));
  for (const void* other :
       {static_cast<const void*>(nullptr), static_cast<const void*>(transfer.mdl()),
        static_cast<const void*>(memory_.show_ram(0, 1)), reinterpret_cast<const void*>(machine::arena_base)}) {
    EXPECT_FALSE(TransferMdl::is_stale_start(other));
    EXPECT_FALSE(TransferMdl::is_retired(other));
  }
}

TEST_F(TransferMdlTest, EveryShapeGivesBackWhatItTook) {
  const std::size_t held = memory_.allocated_pages();
  for (const Shape shape :
       {Shape::unmapped, Shape::byte_offset, Shape::unaligned_full, Shape::discontiguous, Shape::reused}) {
    { TransferMdl transfer(memory_, max_pages, shape, true); }
    EXPECT_EQ(memory_.allocated_pages(), held) << static_cast<int>(shape);
  }
}

}  // namespace
}  // namespace dumpsim::stack
