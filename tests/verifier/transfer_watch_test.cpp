// SPDX-License-Identifier: Apache-2.0
// What a callback changed in the MDL and the offset it was lent: each field alone, nothing at all, and whether the page
// frames still are the pages behind the mapped address.
#include "verifier/transfer_watch.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <functional>

#include "base/text.hpp"
#include "trace/record.hpp"
#include "wdk/wdm.h"

namespace dumpsim::verifier {
namespace {

using testing::HasSubstr;

constexpr std::size_t capacity = 17;

/// An MDL with room for page frames behind it, as the stack lends it.
struct Lent {
  Lent() { std::memset(static_cast<void*>(words), 0, sizeof words); }
  MDL* mdl() { return reinterpret_cast<MDL*>(words); }
  std::uint64_t* pfns() { return words + sizeof(MDL) / 8; }
  std::uint64_t words[sizeof(MDL) / 8 + capacity];
  std::int64_t offset = 0x3000;
};

struct Change {
  const char* name;
  std::function<void(Lent&)> make;
  std::uint32_t bit;
};

const Change every_change[] = {
    {"Next", [](Lent& lent) { lent.mdl()->Next = lent.mdl(); }, trace::change_mdl_next},
    {"Size", [](Lent& lent) { lent.mdl()->Size ^= 8; }, trace::change_mdl_size},
    {"MdlFlags", [](Lent& lent) { lent.mdl()->MdlFlags ^= MDL_SOURCE_IS_NONPAGED_POOL; }, trace::change_mdl_flags},
    {"the sign of MdlFlags", [](Lent& lent) { lent.mdl()->MdlFlags = static_cast<CSHORT>(0x8000); },
     trace::change_mdl_flags},
    {"MappedSystemVa", [](Lent& lent) { lent.mdl()->MappedSystemVa = &lent; }, trace::change_mapped_va},
    {"StartVa", [](Lent& lent) { lent.mdl()->StartVa = &lent; }, trace::change_start_va},
    {"ByteCount", [](Lent& lent) { ++lent.mdl()->ByteCount; }, trace::change_byte_count},
    {"ByteOffset", [](Lent& lent) { ++lent.mdl()->ByteOffset; }, trace::change_byte_offset},
    {"the first page frame", [](Lent& lent) { ++lent.pfns()[0]; }, trace::change_pfns},
    {"the last page frame", [](Lent& lent) { lent.pfns()[capacity - 1] |= std::uint64_t{1} << 63; },
     trace::change_pfns},
    {"the offset", [](Lent& lent) { lent.offset -= 512; }, trace::change_offset},
};

TEST(TransferWatch, NothingChangedIsNothing) {
  Lent lent;
  TransferWatch watch(capacity);
  watch.arm(lent.mdl(), &lent.offset);
  EXPECT_EQ(watch.changes(), 0u);
  EXPECT_EQ(watch.changes(), 0u);
  EXPECT_EQ(watch.pages_capacity(), capacity);
}

TEST(TransferWatch, EachFieldAloneIsItsOwnBit) {
  for (const Change& change : every_change) {
    SCOPED_TRACE(change.name);
    Lent lent;
    TransferWatch watch(capacity);
    watch.arm(lent.mdl(), &lent.offset);
    change.make(lent);
    EXPECT_EQ(watch.changes(), change.bit);
    EXPECT_EQ(watch.changes(), 0u) << "the next filter is not charged with it";
  }
}

TEST(TransferWatch, EveryPairOfFieldsIsBothBits) {
  for (const Change& first : every_change) {
    for (const Change& second : every_change) {
      if (first.bit == second.bit) continue;
      SCOPED_TRACE(std::string(first.name) + " and " + second.name);
      Lent lent;
      TransferWatch watch(capacity);
      watch.arm(lent.mdl(), &lent.offset);
      first.make(lent);
      second.make(lent);
      EXPECT_EQ(watch.changes(), first.bit | second.bit);
    }
  }
}

TEST(TransferWatch, TheReservedProcessFieldIsNobodysChange) {
  // Process says whose pages they are; a filter that puts something there is caught by nothing else, and harms nothing.
  Lent lent;
  TransferWatch watch(capacity);
  watch.arm(lent.mdl(), &lent.offset);
  lent.mdl()->Process = reinterpret_cast<struct _EPROCESS*>(&lent);
  EXPECT_EQ(watch.changes(), 0u);
}

TEST(TransferWatch, RemembersWhatWasBefore) {
  Lent lent;
  lent.mdl()->ByteCount = 4096;
  lent.mdl()->MdlFlags = 5;
  TransferWatch watch(capacity);
  watch.arm(lent.mdl(), &lent.offset);
  lent.mdl()->ByteCount = 512;
  lent.mdl()->MdlFlags = 1;
  lent.offset = 0x9000;
  watch.changes();
  EXPECT_EQ(watch.byte_count_before(), 4096u);
  EXPECT_EQ(watch.flags_before(), 5);
  EXPECT_EQ(watch.offset_before(), 0x3000);
  lent.offset = 0xA000;
  watch.changes();
  EXPECT_EQ(watch.offset_before(), 0x9000);
}

TEST(TransferWatch, ArmingTakesTheStateAnew) {
  Lent lent;
  TransferWatch watch(capacity);
  watch.arm(lent.mdl(), &lent.offset);
  for (const Change& change : every_change) change.make(lent);
  watch.arm(lent.mdl(), &lent.offset);
  EXPECT_EQ(watch.changes(), 0u);
}

TEST(TransferWatch, WhatIsBehindTheMdlIsNotLookedAt) {
  Lent lent;
  TransferWatch watch(capacity - 1);
  watch.arm(lent.mdl(), &lent.offset);
  ++lent.pfns()[capacity - 1];
  EXPECT_EQ(watch.changes(), 0u);
}

class PfnMismatch : public testing::Test {
 protected:
  PfnMismatch() {
    auto memory =
        machine::PhysicalMemory::create(std::vector<dumpfile::PageRun>{{0, 64}}, dumpfile::canary_source(), {});
    EXPECT_TRUE(memory) << memory.error().message;
    memory_ = std::make_unique<machine::PhysicalMemory>(*std::move(memory));
    pages_ = memory_->allocate_pages(4, true);
    describe(3 * page_size, 0);
  }
  ~PfnMismatch() override { memory_->free_pages(pages_, 4, true); }
  void describe(std::uint32_t length, std::uint32_t byte_offset) {
    lent_.mdl()->MdlFlags = MDL_MAPPED_TO_SYSTEM_VA | MDL_PAGES_LOCKED;
    lent_.mdl()->ByteCount = length;
    lent_.mdl()->ByteOffset = byte_offset;
    lent_.mdl()->MappedSystemVa = pages_ + byte_offset;
    for (std::size_t i = 0; i < 4; ++i) lent_.pfns()[i] = memory_->pfn_of(pages_ + i * page_size);
  }
  std::string mismatch() { return pfn_mismatch(lent_.mdl(), capacity, *memory_); }

  std::unique_ptr<machine::PhysicalMemory> memory_;
  std::byte* pages_ = nullptr;
  Lent lent_;
};

TEST_F(PfnMismatch, IsEmptyWhenTheyAgree) {
  EXPECT_EQ(mismatch(), "");
  lent_.mdl()->MdlFlags = MDL_SOURCE_IS_NONPAGED_POOL;
  EXPECT_EQ(mismatch(), "");
}

TEST_F(PfnMismatch, NamesTheFirstPageThatDiffers) {
  lent_.pfns()[1] = 0x12;
  lent_.pfns()[2] = 0x13;
  EXPECT_THAT(mismatch(), HasSubstr("page 1 of 3: the PFN array says 0x12"));
  EXPECT_THAT(mismatch(), HasSubstr("the page behind MappedSystemVa has " + hex(memory_->pfn_of(pages_ + page_size))));
}

TEST_F(PfnMismatch, SeesAMappedAddressThatWasMovedAlone) {
  lent_.mdl()->MappedSystemVa = pages_ + page_size;
  EXPECT_THAT(mismatch(), HasSubstr("page 0 of 3"));
}

TEST_F(PfnMismatch, TakesTheAddressWithByteOffsetOrWithout) {
  describe(page_size, 512);
  EXPECT_EQ(mismatch(), "");
  lent_.mdl()->MappedSystemVa = pages_;
  EXPECT_EQ(mismatch(), "");
}

TEST_F(PfnMismatch, LooksAtThePagesTheTransferSpansOnly) {
  lent_.pfns()[3] = 0x99;
  EXPECT_EQ(mismatch(), "") << "the transfer ends before it";
  describe(3 * page_size, 512);
  lent_.pfns()[3] = 0x99;
  EXPECT_THAT(mismatch(), HasSubstr("page 3 of 4")) << "the control: with a ByteOffset it spans that page";
}

TEST_F(PfnMismatch, SaysNothingWhereNothingIsMapped) {
  lent_.pfns()[0] = 0x99;
  ASSERT_NE(mismatch(), "");
  lent_.mdl()->MdlFlags = MDL_PAGES_LOCKED;
  EXPECT_EQ(mismatch(), "");
}

TEST_F(PfnMismatch, NamesAMappedAddressThatIsNull) {
  lent_.mdl()->MappedSystemVa = nullptr;
  EXPECT_EQ(mismatch(), "MappedSystemVa is null while MdlFlags say the MDL is mapped");
}

TEST_F(PfnMismatch, StandsAnyNumbers) {
  for (const std::uintptr_t wild : {std::uintptr_t{0x1000}, std::uintptr_t{0xFFFF800000000000}, ~std::uintptr_t{0},
                                    std::uintptr_t{0x5a5a5a5a5a5a5000}}) {
    describe(3 * page_size, 0);
    lent_.mdl()->MappedSystemVa = reinterpret_cast<void*>(wild);
    EXPECT_NE(mismatch(), "") << wild;
  }
  describe(3 * page_size, 0);
  lent_.mdl()->ByteCount = 0xFFFFFFFF;
  lent_.mdl()->ByteOffset = 0xFFFFFFFF;
  mismatch();  // ends at the array's capacity, whatever the numbers say
  lent_.pfns()[0] = ~std::uint64_t{0};
  EXPECT_THAT(mismatch(), HasSubstr("page 0 of 2097152"));
}

}  // namespace
}  // namespace dumpsim::verifier
