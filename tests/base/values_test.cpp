// SPDX-License-Identifier: Apache-2.0
// Random numbers, digests, offsets and results: values that stand in traces and layouts and so must never change, on
// any compiler.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

#include "base/digest.hpp"
#include "base/offsets.hpp"
#include "base/random.hpp"
#include "base/result.hpp"

namespace dumpsim {
namespace {

TEST(RandomTest, GivesTheseNumbersForever) {
  // SplitMix64's published test vector for seed 1234567.
  Random random(1234567);
  EXPECT_EQ(random.next(), 6457827717110365317ULL);
  EXPECT_EQ(random.next(), 3203168211198807973ULL);
  EXPECT_EQ(random.next(), 9817491932198370423ULL);
  EXPECT_EQ(random.next(), 4593380528125082431ULL);
  EXPECT_EQ(random.next(), 16408922859458223821ULL);
  static_assert(Random(1234567).next() == 6457827717110365317ULL);
}

TEST(RandomTest, StaysBelowTheBoundAndReachesAllOfIt) {
  Random random(9);
  std::array<int, 10> seen{};
  for (int i = 0; i < 10000; ++i) {
    const std::uint64_t value = random.below(seen.size());
    ASSERT_LT(value, seen.size());
    ++seen[value];
  }
  for (const int count : seen) EXPECT_NEAR(count, 1000, 150);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(random.below(1), 0U);
  Random other(10);
  EXPECT_NE(Random(9).next(), other.next());
}

TEST(Mix64Test, TellsNeighboursApart) {
  EXPECT_EQ(mix64(0), 0U);
  EXPECT_NE(mix64(1), mix64(2));
  EXPECT_NE(mix64(1), 1U);
}

std::vector<std::byte> counted(std::size_t length) {
  std::vector<std::byte> bytes(length);
  for (std::size_t i = 0; i < length; ++i) bytes[i] = static_cast<std::byte>(i * 7);
  return bytes;
}

TEST(DigestTest, IsXxh3) {
  // XXH3's published value for no input, so that another algorithm is noticed.
  EXPECT_EQ(digest({}), 0x2d06800538d394c2ULL);
  EXPECT_NE(digest(counted(100)), digest(counted(101)));
  auto changed = counted(100);
  changed[50] ^= std::byte{1};
  EXPECT_NE(digest(counted(100)), digest(changed));
}

TEST(DigestTest, DoesNotDependOnTheBoundariesOfPieces) {
  const auto bytes = counted(5000);
  for (const std::size_t piece : {1U, 7U, 64U, 1000U, 5000U}) {
    Digest running;
    for (std::size_t at = 0; at < bytes.size(); at += piece) {
      running.add(std::span(bytes).subspan(at, std::min<std::size_t>(piece, bytes.size() - at)));
    }
    EXPECT_EQ(running.value(), digest(bytes)) << piece;
  }
  Digest one;
  one.add(std::span(bytes).subspan(0, 10));
  const std::uint64_t before = one.value();
  EXPECT_EQ(one.value(), before);  // looking does not change it
  Digest moved = std::move(one);
  moved.add(std::span(bytes).subspan(10));
  EXPECT_EQ(moved.value(), digest(bytes));
  Digest swapped;
  swapped.add(std::span(bytes).subspan(10));
  swapped.add(std::span(bytes).subspan(0, 10));
  EXPECT_NE(swapped.value(), digest(bytes));
}

template <class A, class B>
concept Comparable = requires(A a, B b) {
  a == b;
};
template <class A, class B>
concept Addable = requires(A a, B b) {
  a + b;
};

TEST(OffsetsTest, DoNotMix) {
  static_assert(!std::is_convertible_v<PartitionOffset, DiskOffset>);
  static_assert(!std::is_convertible_v<DiskOffset, PartitionOffset>);
  static_assert(!std::is_convertible_v<std::uint64_t, DiskOffset>);
  static_assert(!Comparable<DiskOffset, PartitionOffset>);
  static_assert(!Addable<DiskOffset, PartitionOffset>);
  // The control: each does go with itself, so that the lines above fail for their reason.
  static_assert(Comparable<DiskOffset, DiskOffset> && Addable<DiskOffset, std::uint64_t>);
  EXPECT_EQ(PartitionOffset{512}.on_disk(DiskOffset{1 << 20}), DiskOffset{(1 << 20) + 512});
  EXPECT_LT(DiskOffset{1}, DiskOffset{1} + 1);
}

struct MoveOnly {
  explicit MoveOnly(int v) : value(std::make_unique<int>(v)) {}
  std::unique_ptr<int> value;
};

TEST(ResultTest, HoldsAValueOrAnError) {
  Result<int> good = 7;
  ASSERT_TRUE(good);
  EXPECT_EQ(*good, 7);
  good.value() = 8;
  EXPECT_EQ(good.value(), 8);
  const Result<int> bad = Error{"disk.img: too short"};
  ASSERT_FALSE(bad);
  EXPECT_FALSE(bad.has_value());
  EXPECT_EQ(bad.error().message, "disk.img: too short");
  // A value of the error's own text type stays a value.
  const Result<std::string> text = std::string("fine");
  EXPECT_EQ(text->size(), 4U);
}

TEST(ResultTest, LetsAMoveOnlyValueOut) {
  Result<MoveOnly> made = MoveOnly(3);
  const MoveOnly out = std::move(*made);
  EXPECT_EQ(*out.value, 3);
}

TEST(ResultTest, OfNothingSaysWhetherItWorked) {
  const Result<void> good;
  EXPECT_TRUE(good);
  good.value();
  const Result<void> bad = Error{"no"};
  EXPECT_FALSE(bad);
  EXPECT_EQ(bad.error().message, "no");
  Result<void> moved = bad;
  EXPECT_EQ(std::move(moved).error().message, "no");
}

}  // namespace
}  // namespace dumpsim
