// SPDX-License-Identifier: Apache-2.0
// Held to a search that anybody can read: every occurrence, by both ways, wherever it lies and however the bytes come.
#include "base/byte_search.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/random.hpp"

namespace dumpsim {
namespace {

using Places = std::vector<std::pair<std::uint64_t, std::size_t>>;

std::vector<std::byte> bytes_of(std::string_view text) {
  const auto* first = reinterpret_cast<const std::byte*>(text.data());
  return {first, first + text.size()};
}

Places plainly(std::span<const std::byte> bytes, const std::vector<std::vector<std::byte>>& strings) {
  Places places;
  for (std::size_t s = 0; s < strings.size(); ++s) {
    for (auto at = bytes.begin();; ++at) {
      at = std::search(at, bytes.end(), strings[s].begin(), strings[s].end());
      if (at == bytes.end()) break;
      places.emplace_back(static_cast<std::uint64_t>(at - bytes.begin()), s);
    }
  }
  std::sort(places.begin(), places.end());
  return places;
}

Places by(ByteSearch::Way way, std::span<const std::byte> bytes, const std::vector<std::vector<std::byte>>& strings) {
  Places places;
  ByteSearch(strings, way).scan(bytes, [&](std::size_t at, std::size_t string) {
    places.emplace_back(at, string);
    return true;
  });
  std::sort(places.begin(), places.end());
  return places;
}

Places in_pieces(std::span<const std::byte> bytes, const std::vector<std::vector<std::byte>>& strings,
                 std::size_t piece) {
  Places places;
  const ByteSearch search(strings);
  ByteSearchStream stream(search);
  for (std::size_t at = 0; at < bytes.size(); at += piece) {
    stream.feed(at, bytes.subspan(at, std::min(piece, bytes.size() - at)),
                [&](std::uint64_t where, std::size_t string) { places.emplace_back(where, string); });
  }
  std::sort(places.begin(), places.end());
  return places;
}

TEST(ByteSearch, FindsWhatAPlainSearchFinds) {
  Random random(7);
  for (int round = 0; round < 300; ++round) {
    // Few different bytes, so that strings overlap, begin alike and stand at both ends.
    const std::uint64_t letters = 2 + random.below(4);
    std::vector<std::byte> bytes(random.below(400));
    for (std::byte& byte : bytes) byte = static_cast<std::byte>('a' + random.below(letters));
    std::vector<std::vector<std::byte>> strings(random.below(12));
    for (auto& string : strings) {
      string.resize(ByteSearch::shortest + random.below(5));
      for (std::byte& byte : string) byte = static_cast<std::byte>('a' + random.below(letters));
      if (bytes.size() > string.size() && random.below(2) == 0) {
        std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(random.below(bytes.size() - string.size())),
                    string.size(), string.begin());
      }
    }
    const Places expected = plainly(bytes, strings);
    EXPECT_EQ(by(ByteSearch::Way::quickest, bytes, strings), expected) << "round " << round;
    EXPECT_EQ(by(ByteSearch::Way::portable, bytes, strings), expected) << "round " << round;
    EXPECT_EQ(in_pieces(bytes, strings, 1 + random.below(70)), expected) << "round " << round;
  }
}

TEST(ByteSearch, FindsAStringAtEveryPlaceOfARange) {
  const std::vector<std::vector<std::byte>> strings{bytes_of("DsCANARY"),
                                                    bytes_of("a key that is longer than 32 bytes")};
  for (const auto& string : strings) {
    for (std::size_t size = string.size(); size < 140; ++size) {
      for (std::size_t at = 0; at + string.size() <= size; ++at) {
        std::vector<std::byte> bytes(size);
        std::copy(string.begin(), string.end(), bytes.begin() + static_cast<std::ptrdiff_t>(at));
        const Places expected = plainly(bytes, strings);
        ASSERT_EQ(expected.size(), 1u);
        ASSERT_EQ(by(ByteSearch::Way::quickest, bytes, strings), expected) << size << " " << at;
      }
    }
  }
}

TEST(ByteSearch, StopsWhenToldTo) {
  const ByteSearch search({bytes_of("abab")});
  for (const std::size_t size : {std::size_t{8}, std::size_t{200}}) {
    std::vector<std::byte> bytes;
    while (bytes.size() < size) bytes.push_back(bytes.size() % 2 == 0 ? std::byte{'a'} : std::byte{'b'});
    std::size_t seen = 0;
    search.scan(bytes, [&](std::size_t, std::size_t) { return ++seen < 2; });
    EXPECT_EQ(seen, 2u) << size;
  }
}

TEST(ByteSearch, FindsNothingWithoutStrings) {
  EXPECT_EQ(ByteSearch({}).longest(), 0u);
  EXPECT_TRUE(by(ByteSearch::Way::quickest, bytes_of("anything"), {}).empty());
}

TEST(ByteSearchStream, ForgetsWhatDoesNotFollow) {
  const ByteSearch search({bytes_of("abcd")});
  ByteSearchStream stream(search);
  Places places;
  const auto found = [&](std::uint64_t at, std::size_t string) { places.emplace_back(at, string); };
  stream.feed(0, bytes_of("xxab"), found);
  stream.feed(512, bytes_of("cdab"), found);
  EXPECT_TRUE(places.empty());
  stream.feed(516, bytes_of("c"), found);
  stream.feed(517, bytes_of("dx"), found);
  EXPECT_EQ(places, (Places{{514, 0}}));
}

}  // namespace
}  // namespace dumpsim
