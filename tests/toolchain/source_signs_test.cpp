// SPDX-License-Identifier: Apache-2.0
// Which sources need Windows' data model, on preprocessed text as gcc writes it.
#include "toolchain/source_signs.hpp"

#include <gmock/gmock.h>

namespace dumpsim::toolchain {
namespace {

std::string sign(std::string_view line) {
  const auto found = find_windows_sign("# 7 \"driver.c\"\n" + std::string(line) + "\n", "/kit/wdk");
  return found ? found->place + " " + found->what : "none";
}

TEST(SourceSigns, APlainLongCountsAndOthersDoNot) {
  EXPECT_EQ(sign("typedef unsigned long u32;"), "driver.c:7 a plain long, which has 32 bits on Windows only");
  EXPECT_NE(sign("long int count;"), "none");
  EXPECT_EQ(sign("unsigned long long a; long int long b; long double c; ULONG d; int longer;"), "none");
  EXPECT_EQ(sign("const char* text = \"a long text\";"), "none");
}

TEST(SourceSigns, ExceptionsAssemblyAndDeclspecs) {
  EXPECT_EQ(sign("__try { f(); } __except(1) {}"), "none");
  const auto found = find_exception_sign("# 7 \"driver.c\"\n__try { f(); } __except(1) {}\n", "/kit/wdk");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->place, "driver.c:7");
  EXPECT_EQ(found->what, "__try, structured exception handling");
  EXPECT_FALSE(find_exception_sign("# 7 \"driver.c\"\nint try_it;\n", "/kit/wdk"));
  EXPECT_THAT(sign("__asm { cli }"), testing::HasSubstr("inline assembly"));
  EXPECT_EQ(sign("__asm__ volatile(\"cli\"); __asm volatile (\"sti\");"), "none");
  EXPECT_EQ(sign("__declspec(align(16)) int a; __declspec(noinline) void f(void);"), "none");
  EXPECT_THAT(sign("__declspec(property(get = f)) int a;"), testing::HasSubstr("__declspec(property)"));
  EXPECT_THAT(sign("__declspec(align(16) noinline) int a;"), testing::HasSubstr("several attributes"));
}

TEST(SourceSigns, SuffixesOfMicrosoftsNumbers) {
  EXPECT_EQ(sign("n = 0x9E3779B97F4A7C15ui64;"), "driver.c:7 a number with the suffix ui64, which gcc does not have");
  EXPECT_THAT(sign("n = 10I64;"), testing::HasSubstr("the suffix I64"));
  EXPECT_EQ(sign("n = 0x10ull; m = 1u; i64 = i8; x1i64 = \"3ui64\"; f = 2i; g = 0x1i9;"), "none");
}

TEST(SourceSigns, OnlyTheUsersOwnLinesCount) {
  EXPECT_FALSE(find_windows_sign("# 1 \"/kit/wdk/ntddk.h\" 1\nlong a;\n# 2 \"/usr/include/string.h\" 1 3\nlong b;\n",
                                 "/kit/wdk"));
  const auto own = find_windows_sign("# 1 \"/kit/wdk/ntddk.h\" 1\nlong a;\n# 9 \"own.h\" 2\n\nlong b;\n", "/kit/wdk");
  ASSERT_TRUE(own);
  EXPECT_EQ(own->place, "own.h:10");
}

}  // namespace
}  // namespace dumpsim::toolchain
