// SPDX-License-Identifier: Apache-2.0
// The contract of BlockDevice as a battery of tests. A backend (or a decorator) joins by adding one Case to the list in
// backends_test.cpp; what it cannot promise (the null disk keeps nothing) it says through keeps_content(). The model is
// a plain map of sectors under a printed seed.
#pragma once

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/random.hpp"
#include "disk/block_device.hpp"

namespace dumpsim::disk::suite {

struct Case {
  std::string name;
  std::uint32_t sector_size = 512;
  /// A new disk of zeros of so many bytes.
  std::function<std::unique_ptr<BlockDevice>(std::uint64_t size, std::uint32_t sector_size)> make;
};

inline void PrintTo(const Case& each, std::ostream* out) {
  *out << each.name << " with sectors of " << each.sector_size;
}

inline std::vector<std::byte> noise(std::uint64_t seed, std::size_t length) {
  Random random(seed);
  std::vector<std::byte> bytes(length);
  for (std::byte& byte : bytes) byte = static_cast<std::byte>(1 + random.below(255));
  return bytes;
}

/// Runs `body` in a forked child; whether it returned true.
inline bool in_child(const std::function<bool()>& body) {
  const pid_t child = fork();
  if (child == 0) _exit(body() ? 0 : 1);
  int status = 0;
  return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

class BlockDeviceSuite : public ::testing::TestWithParam<Case> {
 protected:
  static constexpr std::uint64_t sectors = 256;
  void SetUp() override {
    sector_ = GetParam().sector_size;
    disk_ = GetParam().make(sectors * sector_, sector_);
    ASSERT_NE(disk_, nullptr);
  }
  /// What a read must give after `bytes` were written.
  std::vector<std::byte> kept(std::vector<std::byte> bytes) const {
    if (!disk_->keeps_content()) bytes.assign(bytes.size(), std::byte{0});
    return bytes;
  }
  std::vector<std::byte> content(std::uint64_t at, std::size_t length) {
    std::vector<std::byte> bytes(length, std::byte{0xEE});
    EXPECT_EQ(disk_->read(DiskOffset{at}, bytes), IoStatus::ok);
    return bytes;
  }
  std::uint32_t sector_ = 0;
  std::unique_ptr<BlockDevice> disk_;
};

TEST_P(BlockDeviceSuite, SaysItsShape) {
  EXPECT_EQ(disk_->size(), sectors * sector_);
  EXPECT_EQ(disk_->sector_size(), sector_);
}

TEST_P(BlockDeviceSuite, BeginsAsZeros) {
  EXPECT_EQ(content(0, disk_->size()), std::vector<std::byte>(disk_->size(), std::byte{0}));
}

TEST_P(BlockDeviceSuite, GivesBackWhatWasWrittenAndNothingElseChanges) {
  const auto bytes = noise(3, 2 * sector_);
  ASSERT_EQ(disk_->write(DiskOffset{5 * sector_}, bytes), IoStatus::ok);
  EXPECT_EQ(disk_->flush(), IoStatus::ok);
  EXPECT_EQ(content(5 * sector_, bytes.size()), kept(bytes));
  EXPECT_EQ(content(4 * sector_, sector_), std::vector<std::byte>(sector_, std::byte{0}));
  EXPECT_EQ(content(7 * sector_, sector_), std::vector<std::byte>(sector_, std::byte{0}));
}

TEST_P(BlockDeviceSuite, TakesTheLastSector) {
  const auto bytes = noise(4, sector_);
  EXPECT_EQ(disk_->write(DiskOffset{disk_->size() - sector_}, bytes), IoStatus::ok);
  EXPECT_EQ(content(disk_->size() - sector_, sector_), kept(bytes));
}

TEST_P(BlockDeviceSuite, TakesAnEmptyTransferAnywhereInside) {
  EXPECT_EQ(disk_->write(DiskOffset{0}, {}), IoStatus::ok);
  EXPECT_EQ(disk_->read(DiskOffset{disk_->size()}, {}), IoStatus::ok);
  EXPECT_EQ(disk_->write_gathered(DiskOffset{0}, {}), IoStatus::ok);
  EXPECT_EQ(disk_->write(DiskOffset{disk_->size() + sector_}, {}), IoStatus::out_of_range);
  EXPECT_EQ(disk_->read(DiskOffset{1}, {}), IoStatus::misaligned);
}

TEST_P(BlockDeviceSuite, RefusesBeforeTouchingAnything) {
  struct Refused {
    std::uint64_t at;
    std::size_t length;
    IoStatus status;
  };
  const std::uint64_t size = disk_->size();
  const std::uint64_t top = UINT64_MAX - sector_ + 1;  // the last aligned offset: at + length wraps to 0
  const std::vector<Refused> refused{
      {size, sector_, IoStatus::out_of_range},     {size - sector_, 2 * sector_, IoStatus::out_of_range},
      {0, size + sector_, IoStatus::out_of_range}, {top, sector_, IoStatus::out_of_range},
      {top, 4 * sector_, IoStatus::out_of_range},  {std::uint64_t{1} << 63, sector_, IoStatus::out_of_range},
      {1, sector_, IoStatus::misaligned},          {sector_ / 2, sector_, IoStatus::misaligned},
      {0, sector_ - 1, IoStatus::misaligned},      {size + 1, sector_, IoStatus::misaligned},
  };
  const auto before = noise(5, size);
  ASSERT_EQ(disk_->write(DiskOffset{0}, before), IoStatus::ok);
  for (const Refused& each : refused) {
    SCOPED_TRACE(::testing::Message() << "at " << each.at << ", " << each.length << " bytes");
    const std::vector<std::byte> bytes(each.length, std::byte{0xAA});
    EXPECT_EQ(disk_->write(DiskOffset{each.at}, bytes), each.status);
    const std::array<std::span<const std::byte>, 2> pieces{std::span(bytes).first(7), std::span(bytes).subspan(7)};
    EXPECT_EQ(disk_->write_gathered(DiskOffset{each.at}, pieces), each.status);
    std::vector<std::byte> into(each.length, std::byte{0xBB});
    EXPECT_EQ(disk_->read(DiskOffset{each.at}, into), each.status);
    EXPECT_EQ(into, std::vector<std::byte>(each.length, std::byte{0xBB}));
  }
  EXPECT_EQ(content(0, size), kept(before));
}

TEST_P(BlockDeviceSuite, RefusesGatheredPiecesWhoseSumOverflows) {
  // Never followed: the lengths alone must be refused.
  const std::byte one{};
  const std::span<const std::byte> huge(&one, std::size_t{1} << 63);
  const std::array<std::span<const std::byte>, 2> pieces{huge, huge};
  EXPECT_EQ(disk_->write_gathered(DiskOffset{0}, pieces), IoStatus::out_of_range);
}

TEST_P(BlockDeviceSuite, JoinsGatheredPiecesOfAnyLength) {
  const auto bytes = noise(6, 8 * sector_);
  const std::vector<std::vector<std::size_t>> cuts{
      {},
      {sector_},
      {1, 2, 3},
      {sector_ - 1, sector_ + 1},
      {0, 0, 5 * sector_ + 3, 5 * sector_ + 3},
      {sector_ / 2, 3 * sector_, 3 * sector_ + 1, 8 * sector_ - 1},
  };
  for (std::size_t i = 0; i < cuts.size(); ++i) {
    SCOPED_TRACE(i);
    std::vector<std::vector<std::byte>> parts;  // apart in memory, so that nothing joins by chance
    std::size_t from = 0;
    for (const std::size_t cut : cuts[i]) {
      parts.emplace_back(bytes.begin() + static_cast<std::ptrdiff_t>(from),
                         bytes.begin() + static_cast<std::ptrdiff_t>(cut));
      from = cut;
    }
    parts.emplace_back(bytes.begin() + static_cast<std::ptrdiff_t>(from), bytes.end());
    const std::vector<std::span<const std::byte>> pieces(parts.begin(), parts.end());
    ASSERT_EQ(disk_->write(DiskOffset{0}, std::vector<std::byte>(10 * sector_, std::byte{9})), IoStatus::ok);
    ASSERT_EQ(disk_->write_gathered(DiskOffset{sector_}, pieces), IoStatus::ok);
    EXPECT_EQ(content(sector_, bytes.size()), kept(bytes));
    EXPECT_EQ(content(0, sector_), kept(std::vector<std::byte>(sector_, std::byte{9})));
    EXPECT_EQ(content(9 * sector_, sector_), kept(std::vector<std::byte>(sector_, std::byte{9})));
  }
}

TEST_P(BlockDeviceSuite, TakesMorePiecesThanOneCallOfTheHostDoes) {
  const auto bytes = noise(7, 200 * sector_);
  std::vector<std::span<const std::byte>> pieces;
  // Backwards in memory, so that no two pieces join.
  constexpr std::size_t piece = 16;
  for (std::size_t end = bytes.size(); end > 0; end -= piece)
    pieces.push_back(std::span(bytes).subspan(end - piece, piece));
  ASSERT_GT(pieces.size(), 1024U);
  ASSERT_EQ(disk_->write_gathered(DiskOffset{sector_}, pieces), IoStatus::ok);
  std::vector<std::byte> expected;
  for (const auto each : pieces) expected.insert(expected.end(), each.begin(), each.end());
  EXPECT_EQ(content(sector_, expected.size()), kept(expected));
}

TEST_P(BlockDeviceSuite, ShowsTheParentWhatTheChildWrote) {
  const auto bytes = noise(8, 3 * sector_);
  ASSERT_TRUE(in_child([&] {
    const std::array<std::span<const std::byte>, 2> pieces{std::span(bytes).first(100), std::span(bytes).subspan(100)};
    return disk_->write(DiskOffset{2 * sector_}, bytes) == IoStatus::ok &&
           disk_->write_gathered(DiskOffset{20 * sector_}, pieces) == IoStatus::ok;
  }));
  EXPECT_EQ(content(2 * sector_, bytes.size()), kept(bytes));
  EXPECT_EQ(content(20 * sector_, bytes.size()), kept(bytes));
}

TEST_P(BlockDeviceSuite, ScansEveryWrittenByteInOrder) {
  const auto first = noise(9, sector_);
  const auto second = noise(10, 40 * sector_);
  ASSERT_EQ(disk_->write(DiskOffset{3 * sector_}, first), IoStatus::ok);
  ASSERT_EQ(disk_->write(DiskOffset{216 * sector_}, second), IoStatus::ok);
  std::vector<std::byte> seen(disk_->size(), std::byte{0});
  std::uint64_t next = 0;
  const auto scanned = disk_->for_each_data_range([&](DiskOffset at, std::span<const std::byte> bytes) {
    EXPECT_GE(at.bytes, next);
    EXPECT_EQ(at.bytes % sector_, 0U);
    EXPECT_EQ(bytes.size() % sector_, 0U);
    EXPECT_FALSE(bytes.empty());
    next = at.bytes + bytes.size();
    std::copy(bytes.begin(), bytes.end(), seen.begin() + static_cast<std::ptrdiff_t>(at.bytes));
    return true;
  });
  ASSERT_TRUE(scanned) << scanned.error().message;
  EXPECT_LE(next, disk_->size());
  EXPECT_EQ(seen, content(0, disk_->size()));
}

TEST_P(BlockDeviceSuite, StopsAScanWhenTold) {
  ASSERT_EQ(disk_->write(DiskOffset{0}, noise(11, sector_)), IoStatus::ok);
  ASSERT_EQ(disk_->write(DiskOffset{disk_->size() - sector_}, noise(12, sector_)), IoStatus::ok);
  int calls = 0;
  ASSERT_TRUE(disk_->for_each_data_range([&](DiskOffset, std::span<const std::byte>) { return ++calls, false; }));
  EXPECT_EQ(calls, disk_->keeps_content() ? 1 : 0);
}

TEST_P(BlockDeviceSuite, AgreesWithAMapOfSectors) {
  constexpr std::uint64_t seed = 20240611;
  SCOPED_TRACE(::testing::Message() << "seed " << seed);
  Random random(seed);
  std::map<std::uint64_t, std::vector<std::byte>> model;
  for (int step = 0; step < 2000; ++step) {
    const std::uint64_t first = random.below(sectors + 4);
    const std::uint64_t count = random.below(12);
    const bool inside = first + count <= sectors;
    const DiskOffset at{first * sector_};
    if (random.below(3) != 0) {
      const auto bytes = noise(random.next(), count * sector_);
      IoStatus status{};
      if (random.below(2) == 0) {
        status = disk_->write(at, bytes);
      } else {
        std::vector<std::span<const std::byte>> pieces;
        for (std::span<const std::byte> rest = bytes; !rest.empty();) {
          const std::size_t length = 1 + random.below(rest.size());
          pieces.push_back(rest.first(length));
          rest = rest.subspan(length);
        }
        status = disk_->write_gathered(at, pieces);
      }
      ASSERT_EQ(status, inside ? IoStatus::ok : IoStatus::out_of_range) << "step " << step;
      for (std::uint64_t i = 0; inside && disk_->keeps_content() && i < count; ++i) {
        model[first + i].assign(bytes.begin() + static_cast<std::ptrdiff_t>(i * sector_),
                                bytes.begin() + static_cast<std::ptrdiff_t>((i + 1) * sector_));
      }
    } else {
      std::vector<std::byte> got(count * sector_, std::byte{0xCC});
      ASSERT_EQ(disk_->read(at, got), inside ? IoStatus::ok : IoStatus::out_of_range) << "step " << step;
      std::vector<std::byte> expected(got.size(), inside ? std::byte{0} : std::byte{0xCC});
      for (std::uint64_t i = 0; inside && i < count; ++i) {
        const auto sector = model.find(first + i);
        if (sector == model.end()) continue;
        std::copy(sector->second.begin(), sector->second.end(),
                  expected.begin() + static_cast<std::ptrdiff_t>(i * sector_));
      }
      ASSERT_EQ(got, expected) << "step " << step;
    }
  }
}

}  // namespace dumpsim::disk::suite
