// SPDX-License-Identifier: Apache-2.0
// The runtime that is linked into filters, in both conventions, against the host's C library as the model.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/random.hpp"
#include "loader/image.hpp"
#include "machine/gate.hpp"

namespace dumpsim::loader {
namespace {

using machine::Convention;

enum Function {
  f_memcpy,
  f_memmove,
  f_memset,
  f_memcmp,
  f_memchr,
  f_strlen,
  f_strnlen,
  f_strcmp,
  f_strncmp,
  f_strcpy,
  f_strncpy,
  f_strcat,
  f_strncat,
  f_strchr,
  f_strrchr,
  f_strstr,
  f_toupper,
  f_tolower,
};

class FilterCrt : public ::testing::TestWithParam<Convention> {
 protected:
  void SetUp() override {
    Result<machine::GuestStack> stack = machine::GuestStack::create(24 * 1024);
    ASSERT_TRUE(stack);
    stack_ = *std::move(stack);
    gate_ = std::make_unique<machine::Gate>(stack_);
    const char* file = GetParam() == Convention::system_v ? "loader_crt.so" : "loader_crt-ms.so";
    Result<std::unique_ptr<Image>> image =
        Image::load(std::filesystem::path(DUMPSIM_FIXTURES) / file, ExportTable{}, {"dump_crt", {}});
    ASSERT_TRUE(image) << image.error().message;
    image_ = *std::move(image);
  }
  template <class... Arguments>
  std::uint64_t call(Function function, Arguments... arguments) {
    const std::uint64_t index[] = {function};
    const std::uint64_t address = gate_->call(GetParam(), image_->entry(), index).value;
    const std::uint64_t values[] = {(std::uint64_t)arguments...};
    const machine::CallResult result = gate_->call(GetParam(), reinterpret_cast<const void*>(address), values);
    EXPECT_EQ(result.changed, 0u);
    return result.value;
  }
  int compare(Function function, const void* a, const void* b, std::size_t count) {
    const int value = static_cast<int>(call(function, a, b, count));
    return (value > 0) - (value < 0);
  }
  machine::GuestStack stack_;
  std::unique_ptr<machine::Gate> gate_;
  std::unique_ptr<Image> image_;
};

int sign(int value) {
  return (value > 0) - (value < 0);
}

TEST_P(FilterCrt, MovesMemoryAsTheModelDoes) {
  constexpr std::uint64_t seed = 7;
  Random random(seed);
  std::vector<unsigned char> original(3000);
  for (unsigned char& byte : original) byte = static_cast<unsigned char>(random.next());
  for (int round = 0; round < 4000; ++round) {
    const std::size_t count = random.below(round % 4 == 0 ? 1400 : 80);
    // Overlaps of either direction, near and far.
    const std::size_t from = random.below(1500);
    const std::size_t to =
        random.below(2) == 0 ? random.below(1500) : from - std::min<std::size_t>(from, 20) + random.below(40);
    std::vector<unsigned char> model = original;
    std::vector<unsigned char> tested = original;
    std::memmove(model.data() + to, model.data() + from, count);
    EXPECT_EQ(call(f_memmove, tested.data() + to, tested.data() + from, count),
              reinterpret_cast<std::uint64_t>(tested.data() + to));
    ASSERT_EQ(tested, model) << "memmove " << to << " from " << from << ", " << count << " bytes, round " << round;

    std::vector<unsigned char> copied(3000);
    EXPECT_EQ(call(f_memcpy, copied.data() + to, original.data() + from, count),
              reinterpret_cast<std::uint64_t>(copied.data() + to));
    ASSERT_EQ(std::memcmp(copied.data() + to, original.data() + from, count), 0) << count;
    ASSERT_EQ(std::count(copied.begin() + static_cast<std::ptrdiff_t>(to + count), copied.end(), 0),
              static_cast<std::ptrdiff_t>(3000 - to - count));

    const int value = static_cast<int>(random.below(1024));
    std::memset(model.data() + to, value, count);
    call(f_memset, tested.data() + to, value, count);
    ASSERT_EQ(tested, model) << "memset";

    model = original;
    if (count != 0) model[from + random.below(count)] ^= static_cast<unsigned char>(random.below(2));
    ASSERT_EQ(compare(f_memcmp, model.data() + from, original.data() + from, count),
              sign(std::memcmp(model.data() + from, original.data() + from, count)));
    ASSERT_EQ(call(f_memchr, original.data() + from, value, count),
              reinterpret_cast<std::uint64_t>(std::memchr(original.data() + from, value, count)));
  }
}

TEST_P(FilterCrt, ChangesTheCaseOfAsciiOnly) {
  for (int character = 0; character < 256; ++character) {
    EXPECT_EQ(static_cast<int>(call(f_toupper, character)), std::toupper(character));
    EXPECT_EQ(static_cast<int>(call(f_tolower, character)), std::tolower(character));
  }
}

TEST_P(FilterCrt, HandlesStringsAsTheModelDoes) {
  constexpr std::uint64_t seed = 11;
  Random random(seed);
  const auto text = [&random](std::size_t limit) {
    std::string made(random.below(limit), ' ');
    for (char& character : made) character = "ab\xe9"[random.below(3)];
    return made;
  };
  for (int round = 0; round < 3000; ++round) {
    const std::string a = text(30);
    const std::string b = text(round % 2 == 0 ? 3 : 30);
    const std::size_t count = random.below(34);
    EXPECT_EQ(call(f_strlen, a.c_str()), a.size());
    EXPECT_EQ(call(f_strnlen, a.c_str(), count), strnlen(a.c_str(), count));
    EXPECT_EQ(compare(f_strcmp, a.c_str(), b.c_str(), 0), sign(std::strcmp(a.c_str(), b.c_str())));
    EXPECT_EQ(compare(f_strncmp, a.c_str(), b.c_str(), count), sign(std::strncmp(a.c_str(), b.c_str(), count)));
    for (const int character : {int{'a'}, int{'b'}, int{'x'}, 0, 0xe9}) {
      EXPECT_EQ(call(f_strchr, a.c_str(), character),
                reinterpret_cast<std::uint64_t>(std::strchr(a.c_str(), character)));
      EXPECT_EQ(call(f_strrchr, a.c_str(), character),
                reinterpret_cast<std::uint64_t>(std::strrchr(a.c_str(), character)));
    }
    EXPECT_EQ(call(f_strstr, a.c_str(), b.c_str()), reinterpret_cast<std::uint64_t>(std::strstr(a.c_str(), b.c_str())));

    std::array<char, 128> tested;
    tested.fill('#');
    std::array<char, 128> model = tested;
    call(f_strcpy, tested.data(), a.c_str());
    call(f_strcat, tested.data(), b.c_str());
    call(f_strncat, tested.data(), a.c_str(), count);
    std::string expected = a + b + a.substr(0, count);
    std::memcpy(model.data(), expected.c_str(), expected.size() + 1);
    ASSERT_STREQ(tested.data(), model.data());
    tested.fill('#');
    call(f_strncpy, tested.data(), a.c_str(), count);
    for (std::size_t index = 0; index < 128; ++index) {
      const char wanted = index >= count ? '#' : index < a.size() ? a[index] : '\0';
      ASSERT_EQ(tested[index], wanted) << index;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Each, FilterCrt, ::testing::Values(Convention::system_v, Convention::microsoft),
                         [](const auto& tested) {
                           return tested.param == Convention::system_v ? "system_v" : "microsoft";
                         });

}  // namespace
}  // namespace dumpsim::loader
