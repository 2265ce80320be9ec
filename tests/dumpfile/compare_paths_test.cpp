// SPDX-License-Identifier: Apache-2.0
// Two readings of one dump, sector by sector: where they part, and which of them memory is with.
#include "dumpfile/compare_paths.hpp"

#include <gtest/gtest.h>

#include "dumpfile/dump_layout.hpp"

namespace dumpsim::dumpfile {
namespace {

using Right = PathComparison::Right;

class ComparePaths : public testing::Test {
 protected:
  ComparePaths() {
    DumpRequest request;
    request.memory = {{0, 4}, {16, 60}};  // two runs, the second longer than a batch
    auto layout = DumpLayout::plan(std::move(request));
    if (!layout) throw std::runtime_error(layout.error().message);
    bytes_.resize(layout->size());
    layout->fill(0, bytes_, *memory_);
    first_page_ = layout->first_page_offset();
  }
  static std::shared_ptr<const ByteReader> as(const std::vector<std::byte>& bytes) { return memory_bytes("x", bytes); }
  PathComparison compare(const std::vector<std::byte>& first, const std::vector<std::byte>* second,
                         std::uint32_t sector = 512) {
    auto layout = DumpReader::open(as(bytes_));
    EXPECT_TRUE(layout);
    const auto other = second == nullptr ? nullptr : as(*second);
    auto done = compare_paths(*as(first), other.get(), &*layout, *memory_, bytes_.size(), sector);
    EXPECT_TRUE(done);
    return *done;
  }
  static void spoil(std::vector<std::byte>& bytes, std::uint64_t at) { bytes[at] ^= std::byte{1}; }

  std::unique_ptr<MemorySource> memory_ = canary_source();
  std::vector<std::byte> bytes_;
  std::uint64_t first_page_ = 0;
};

TEST_F(ComparePaths, OneFileIsIdenticalToItself) {
  const PathComparison both = compare(bytes_, &bytes_);
  EXPECT_TRUE(both.identical());
  EXPECT_EQ(both.sectors, bytes_.size() / 512);
  EXPECT_EQ(both.pages, 64u);
  EXPECT_EQ(both.first_wrong + both.second_wrong, 0u);
  EXPECT_EQ(compare(bytes_, &bytes_, 4096).sectors, bytes_.size() / 4096);
  EXPECT_EQ(compare(bytes_, nullptr).sectors, 64u * 8) << "memory holds no header";
}

TEST_F(ComparePaths, TheFirstDifferenceNamesItsPageAndWhoIsRight) {
  std::vector<std::byte> spoilt = bytes_;
  const std::uint64_t at = first_page_ + 20 * page_size + 3 * 512;  // pfn 0x20: four pages, a hole, sixteen more
  spoil(spoilt, at + 7);
  spoil(spoilt, at + 5 * page_size);
  PathComparison wrong_volume = compare(spoilt, &bytes_);
  EXPECT_EQ(wrong_volume.different, 2u);
  EXPECT_EQ(wrong_volume.first_wrong, 2u);
  EXPECT_EQ(wrong_volume.second_wrong, 0u);
  ASSERT_TRUE(wrong_volume.difference);
  EXPECT_EQ(wrong_volume.difference->file_offset, at);
  EXPECT_EQ(wrong_volume.difference->pfn, Pfn{0x20});
  EXPECT_EQ(wrong_volume.difference->right, Right::second);
  EXPECT_EQ(compare(bytes_, &spoilt).difference->right, Right::first);
  EXPECT_EQ(compare(spoilt, nullptr).different, 2u);
  EXPECT_EQ(compare(spoilt, nullptr).difference->right, Right::second) << "memory itself";
}

TEST_F(ComparePaths, BothMayBeWrong) {
  std::vector<std::byte> one = bytes_, other = bytes_;
  spoil(one, first_page_);
  spoil(other, first_page_ + 1);
  EXPECT_EQ(compare(one, &other).difference->right, Right::neither);
  const PathComparison alike = compare(one, &one);
  EXPECT_TRUE(alike.identical());
  EXPECT_EQ(alike.alike_wrong, 1u);
  ASSERT_TRUE(alike.wrong);
  EXPECT_EQ(alike.wrong->pfn, Pfn{0});
}

TEST_F(ComparePaths, WhatIsNoPageIsOnlyCompared) {
  std::vector<std::byte> spoilt = bytes_;
  spoil(spoilt, 0x1000);
  const PathComparison header = compare(bytes_, &spoilt);
  ASSERT_TRUE(header.difference);
  EXPECT_EQ(header.difference->file_offset, 0x1000u);
  EXPECT_FALSE(header.difference->pfn);
  EXPECT_EQ(header.difference->right, Right::unknown);
  auto without_layout = compare_paths(*as(bytes_), as(spoilt).get(), nullptr, *memory_, bytes_.size(), 512);
  ASSERT_TRUE(without_layout);
  EXPECT_EQ(without_layout->different, 1u);
  EXPECT_EQ(without_layout->pages, 0u);
}

TEST_F(ComparePaths, AReadingThatFailsIsAnError) {
  class Broken final : public ByteReader {
   public:
    std::uint64_t size() const override { return UINT64_MAX; }
    Result<void> read_at(std::uint64_t, std::span<std::byte>) const override { return Error{"broken"}; }
    const std::string& name() const override { return name_; }

   private:
    std::string name_ = "broken";
  };
  const Broken broken;
  EXPECT_FALSE(compare_paths(*as(bytes_), &broken, nullptr, *memory_, bytes_.size(), 512));
  EXPECT_FALSE(compare_paths(broken, nullptr, nullptr, *memory_, bytes_.size(), 512))
      << "without a second and without a layout nothing was compared, which must not pass";
}

}  // namespace
}  // namespace dumpsim::dumpfile
