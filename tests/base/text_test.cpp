// SPDX-License-Identifier: Apache-2.0
// Sizes, hex and "did you mean": each accepted form, and each refusal with the hint a user reads.
#include "base/text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

#include "base/random.hpp"

namespace dumpsim {
namespace {

using ::testing::HasSubstr;

std::string refusal(std::string_view text) {
  const auto size = parse_size(text);
  return size ? "accepted" : size.error().message;
}

TEST(ParseSize, TakesEveryUnitAndNotation) {
  struct Accepted {
    const char* text;
    std::uint64_t bytes;
  };
  for (const Accepted& each :
       {Accepted{"0", 0}, Accepted{"512", 512}, Accepted{"512 B", 512}, Accepted{"0x200", 512},
        Accepted{"0X1000", 4096}, Accepted{"4KiB", 4096}, Accepted{"4 kib", 4096}, Accepted{"64 MiB", 64ULL << 20},
        Accepted{"3   GiB", 3ULL << 30}, Accepted{"1 TiB", 1ULL << 40}, Accepted{"0x10 KiB", 16384},
        Accepted{"18446744073709551615", UINT64_MAX}, Accepted{"16777215 TiB", 16777215ULL << 40}}) {
    const auto size = parse_size(each.text);
    ASSERT_TRUE(size) << each.text << ": " << size.error().message;
    EXPECT_EQ(*size, each.bytes) << each.text;
  }
}

TEST(ParseSize, RefusesWithAHint) {
  EXPECT_EQ(refusal(""), "\"\" is no size; expected a number with an optional unit, such as \"64 MiB\"");
  for (const char* text : {"MiB", "-1", "+1", " 1", "0x", "x"})
    EXPECT_THAT(refusal(text), HasSubstr("is no size")) << text;
  EXPECT_EQ(refusal("64 MB"), "size \"64 MB\" has the unit \"MB\"; write \"MiB\" (binary units only)");
  EXPECT_EQ(refusal("1k"), "size \"1k\" has the unit \"k\"; write \"KiB\" (binary units only)");
  for (const char* text : {"1.5 GiB", "64 MiB ", "64 MiBs", "1 PiB", "1 2"}) {
    EXPECT_THAT(refusal(text), HasSubstr("expected B, KiB, MiB, GiB or TiB")) << text;
  }
  for (const char* text : {"18446744073709551616", "16777216 TiB", "0x10000000000000000"}) {
    EXPECT_EQ(refusal(text), "size \"" + std::string(text) + "\" does not fit in 64 bits");
  }
}

TEST(FormatSize, IsTheShortestExactFormAndParsesBack) {
  EXPECT_EQ(format_size(0), "0 B");
  EXPECT_EQ(format_size(513), "513 B");
  EXPECT_EQ(format_size(65536), "64 KiB");
  EXPECT_EQ(format_size(1536), "1536 B");
  EXPECT_EQ(format_size(5ULL << 30), "5 GiB");
  EXPECT_EQ(format_size(1ULL << 50), "1024 TiB");
  constexpr std::uint64_t seed = 1;
  SCOPED_TRACE(::testing::Message() << "seed " << seed);
  Random random(seed);
  for (int i = 0; i < 1000; ++i) {
    const std::uint64_t value = random.next() >> random.below(64) << random.below(20);
    const auto back = parse_size(format_size(value));
    ASSERT_TRUE(back) << back.error().message;
    ASSERT_EQ(*back, value);
  }
}

TEST(Hex, PrintsNumbersAndBytes) {
  EXPECT_EQ(hex(std::uint64_t{0}), "0x0");
  EXPECT_EQ(hex(std::uint64_t{0xDEADBEEF}), "0xdeadbeef");
  const std::array<std::byte, 3> bytes{std::byte{0}, std::byte{0x0A}, std::byte{0xFF}};
  EXPECT_EQ(hex(std::span<const std::byte>(bytes)), "000aff");
}

TEST(Hex, ParsesBytesWithSeparatorsBetweenThem) {
  for (const char* text : {"000aff", "00 0A FF", "00:0a:ff", "00-0aff", " 000aff "}) {
    const auto bytes = parse_hex(text);
    ASSERT_TRUE(bytes) << text << ": " << bytes.error().message;
    EXPECT_EQ(hex(std::span<const std::byte>(*bytes)), "000aff") << text;
  }
  EXPECT_TRUE(parse_hex("")->empty());
  EXPECT_EQ(parse_hex("00g0").error().message, "'g' at position 3 is no hex digit");
  EXPECT_EQ(parse_hex("0 0").error().message, "' ' at position 2 is no hex digit");
  EXPECT_EQ(parse_hex("000").error().message, "odd number of hex digits; expected two a byte");
}

TEST(DidYouMean, OffersWhatIsNearAndNothingElse) {
  constexpr std::array<std::string_view, 4> words{"partition_offset", "size", "seed", "file"};
  EXPECT_EQ(did_you_mean("partiton_offset", words), "; did you mean \"partition_offset\"?");
  EXPECT_EQ(did_you_mean("sizes", words), "; did you mean \"size\"?");
  EXPECT_EQ(did_you_mean("siz", words), "; did you mean \"size\"?");
  EXPECT_EQ(did_you_mean("flie", words), "; did you mean \"file\"?") << "two letters that changed places are one slip";
  EXPECT_EQ(did_you_mean("colour", words), "");
  EXPECT_EQ(did_you_mean("x", words), "");
  EXPECT_EQ(did_you_mean("", words), "");
  EXPECT_EQ(nearest("sied", words), "seed");
  EXPECT_EQ(nearest("anything", {}), "");
}

TEST(Thousands, AreSetApart) {
  EXPECT_EQ(with_thousands(0), "0");
  EXPECT_EQ(with_thousands(999), "999");
  EXPECT_EQ(with_thousands(1000), "1,000");
  EXPECT_EQ(with_thousands(1234567), "1,234,567");
  EXPECT_EQ(with_thousands(UINT64_MAX), "18,446,744,073,709,551,615");
}

}  // namespace
}  // namespace dumpsim
