// SPDX-License-Identifier: Apache-2.0
// Counted strings, numbers, GUIDs, and the C library with 16-bit wide characters.
#include <cstring>

#include "kernel_fixture.hpp"

namespace dumpsim::kernel::test {
namespace {

using trace::Rule;

class StringTest : public KernelTest {};
DUMPSIM_BOTH_CONVENTIONS(StringTest);

TEST_P(StringTest, InitialisingCountsBytes) {
  UNICODE_STRING wide;
  K(RtlInitUnicodeString)(&wide, u"abc");
  EXPECT_EQ(wide.Length, 6);
  EXPECT_EQ(wide.MaximumLength, 8);
  K(RtlInitUnicodeString)(&wide, nullptr);
  EXPECT_EQ(wide.Length + wide.MaximumLength, 0);
  EXPECT_EQ(wide.Buffer, nullptr);
  const std::u16string huge(40000, u'x');
  K(RtlInitUnicodeString)(&wide, huge.c_str());
  EXPECT_EQ(wide.Length, 65532);
  EXPECT_EQ(wide.MaximumLength, 65534);
  ANSI_STRING narrow;
  K(RtlInitAnsiString)(&narrow, "abc");
  EXPECT_EQ(narrow.Length, 3);
  EXPECT_EQ(narrow.MaximumLength, 4);
  K(RtlInitString)(&narrow, nullptr);
  EXPECT_EQ(narrow.Length, 0);
}

TEST_P(StringTest, CopyingAndAppendingStayInside) {
  WCHAR room[6] = {u'#', u'#', u'#', u'#', u'#', u'#'};
  UNICODE_STRING into{0, 8, room};
  Counted two(u"ab");
  Counted five(u"vwxyz");
  K(RtlCopyUnicodeString)(&into, &two);
  EXPECT_EQ(view(into), u"ab");
  EXPECT_EQ(room[2], 0) << "terminated where there is room";
  EXPECT_EQ(K(RtlAppendUnicodeStringToString)(&into, &two), STATUS_SUCCESS);
  EXPECT_EQ(view(into), u"abab");
  EXPECT_EQ(room[4], u'#');
  EXPECT_EQ(K(RtlAppendUnicodeToString)(&into, u"c"), STATUS_BUFFER_TOO_SMALL);
  EXPECT_EQ(view(into), u"abab");
  EXPECT_EQ(K(RtlAppendUnicodeToString)(&into, nullptr), STATUS_SUCCESS);
  K(RtlCopyUnicodeString)(&into, &five);
  EXPECT_EQ(view(into), u"vwxy") << "as much as fits";
  EXPECT_EQ(room[4], u'#');
  K(RtlCopyUnicodeString)(&into, nullptr);
  EXPECT_EQ(into.Length, 0);
  char bytes[4];
  STRING narrow{0, 4, bytes};
  STRING source{5, 5, const_cast<PCHAR>("hello")};
  K(RtlCopyString)(&narrow, &source);
  EXPECT_EQ(std::string_view(bytes, narrow.Length), "hell");
}

TEST_P(StringTest, ComparingWithAndWithoutCase) {
  struct {
    const char16_t* a;
    const char16_t* b;
    int with_case, without;
  } const rows[] = {{u"abc", u"abc", 0, 0},
                    {u"abc", u"ABC", 1, 0},
                    {u"abc", u"abd", -1, -1},
                    {u"ab", u"abc", -1, -1},
                    {u"", u"", 0, 0},
                    {u"\u00e4\u03c3\u0436", u"\u00c4\u03a3\u0416", 1, 0},
                    {u"\u0161", u"\u0160", 1, 0},
                    {u"\u00f7", u"\u00d7", 1, 1}};
  const auto sign = [](LONG value) { return (value > 0) - (value < 0); };
  for (const auto& row : rows) {
    Counted a(row.a);
    Counted b(row.b);
    EXPECT_EQ(sign(K(RtlCompareUnicodeString)(&a, &b, FALSE)), row.with_case);
    EXPECT_EQ(sign(K(RtlCompareUnicodeString)(&a, &b, TRUE)), row.without);
    EXPECT_EQ(K(RtlEqualUnicodeString)(&a, &b, TRUE), row.without == 0);
  }
  Counted prefix(u"\\DEVICE");
  Counted whole(u"\\Device\\Harddisk");
  EXPECT_EQ(K(RtlPrefixUnicodeString)(&prefix, &whole, TRUE), TRUE);
  EXPECT_EQ(K(RtlPrefixUnicodeString)(&prefix, &whole, FALSE), FALSE);
  EXPECT_EQ(K(RtlPrefixUnicodeString)(&whole, &prefix, TRUE), FALSE);
  STRING x{3, 3, const_cast<PCHAR>("aBc")};
  STRING y{3, 3, const_cast<PCHAR>("AbC")};
  EXPECT_EQ(K(RtlEqualString)(&x, &y, TRUE), TRUE);
  EXPECT_EQ(K(RtlEqualString)(&x, &y, FALSE), FALSE);
  EXPECT_GT(K(RtlCompareString)(&x, &y, FALSE), 0);
  EXPECT_EQ(K(RtlUpperChar)('q'), 'Q');
}

TEST(Text, FoldingIsItsOwnInverse) {
  for (char32_t unit = 0; unit < 0x10000; ++unit) {
    const auto small = static_cast<char16_t>(unit);
    const char16_t capital = upcase(small);
    ASSERT_EQ(upcase(capital), capital) << std::hex << static_cast<std::uint32_t>(unit);
    if (capital != small) {
      ASSERT_EQ(downcase(capital), small) << std::hex << static_cast<std::uint32_t>(unit);
    }
    ASSERT_EQ(upcase(downcase(small)), upcase(small)) << std::hex << static_cast<std::uint32_t>(unit);
  }
}

TEST(Text, Utf8AndUtf16GoBothWays) {
  const std::u16string text = u"a\u00e4\u20ac\U0001F600";
  EXPECT_EQ(to_utf16(to_utf8(text)), text);
  const char16_t lone[] = {0xD800, u'x', 0};
  EXPECT_EQ(to_utf8(lone), "\xEF\xBF\xBDx");
  for (const char* bad : {"\x80", "\xC0\x80", "\xE0\x80\x80", "\xED\xA0\x80", "\xF5\x80\x80\x80", "\xE2\x82"}) {
    EXPECT_EQ(to_utf16(bad)[0], u'\xFFFD') << bad;
  }
}

TEST_P(StringTest, NumbersAsDocumented) {
  struct {
    const char16_t* text;
    ULONG base;
    ULONG value;
  } const rows[] = {{u"123", 10, 123},
                    {u"  -345", 10, static_cast<ULONG>(-345)},
                    {u"xyz", 10, 0},
                    {u"   +678abc", 10, 678},
                    {u"   +678abc", 16, 6785724},
                    {u"007", 10, 7},
                    {u"789", 8, 7},
                    {u"FGH", 16, 15},
                    {u"      ", 10, 0},
                    {u"0x1F", 0, 31},
                    {u"0o17", 0, 15},
                    {u"0b101", 0, 5},
                    {u"42", 0, 42}};
  for (const auto& row : rows) {
    Counted text(row.text);
    ULONG value = 99;
    EXPECT_EQ(K(RtlUnicodeStringToInteger)(&text, row.base, &value), STATUS_SUCCESS);
    EXPECT_EQ(value, row.value) << to_utf8(row.text);
    value = 99;
    EXPECT_EQ(K(RtlCharToInteger)(to_utf8(row.text).c_str(), row.base, &value), STATUS_SUCCESS);
    EXPECT_EQ(value, row.value) << to_utf8(row.text);
  }
  Counted empty(u"");
  ULONG value = 0;
  EXPECT_EQ(K(RtlUnicodeStringToInteger)(&empty, 10, &value), STATUS_INVALID_PARAMETER);
  Counted one(u"1");
  EXPECT_EQ(K(RtlUnicodeStringToInteger)(&one, 7, &value), STATUS_INVALID_PARAMETER);
  WCHAR room[20];
  UNICODE_STRING into{0, sizeof room, room};
  EXPECT_EQ(K(RtlIntegerToUnicodeString)(48879, 16, &into), STATUS_SUCCESS);
  EXPECT_EQ(view(into), u"BEEF");
  EXPECT_EQ(K(RtlInt64ToUnicodeString)(~0ull, 16, &into), STATUS_SUCCESS);
  EXPECT_EQ(view(into), u"FFFFFFFFFFFFFFFF");
  into.MaximumLength = 4;
  EXPECT_EQ(K(RtlIntegerToUnicodeString)(123, 10, &into), STATUS_BUFFER_OVERFLOW);
  EXPECT_EQ(K(RtlIntegerToUnicodeString)(12, 11, &into), STATUS_INVALID_PARAMETER);
}

TEST_P(StringTest, ConversionsAllocateWhenAsked) {
  ANSI_STRING narrow{4, 4, const_cast<PCHAR>("a\xE4z!")};
  UNICODE_STRING wide{};
  EXPECT_EQ(K(RtlAnsiStringToUnicodeString)(&wide, &narrow, TRUE), STATUS_SUCCESS);
  EXPECT_EQ(view(wide), u"a\u00e4z!");
  UNICODE_STRING upper{};
  EXPECT_EQ(K(RtlUpcaseUnicodeString)(&upper, &wide, TRUE), STATUS_SUCCESS);
  EXPECT_EQ(view(upper), u"A\u00c4Z!");
  ANSI_STRING back{};
  EXPECT_EQ(K(RtlUnicodeStringToAnsiString)(&back, &upper, TRUE), STATUS_SUCCESS);
  EXPECT_EQ(std::string_view(back.Buffer, back.Length), "A\xC4Z!");
  EXPECT_EQ(kernel().pool().outstanding(image).blocks, 3u);
  ANSI_STRING tight{0, 4, narrow.Buffer};
  EXPECT_EQ(K(RtlUnicodeStringToAnsiString)(&tight, &upper, FALSE), STATUS_BUFFER_OVERFLOW);
  K(RtlFreeUnicodeString)(&wide);
  K(RtlFreeUnicodeString)(&upper);
  K(RtlFreeAnsiString)(&back);
  K(RtlFreeUnicodeString)(&wide);
  EXPECT_EQ(kernel().pool().outstanding(image).blocks, 0u);
  EXPECT_EQ(violations(Rule::pool_bad_free), 0u) << "an empty string frees nothing";
  WCHAR local[2];
  wide = {0, sizeof local, local};
  EXPECT_THAT(bugcheck_of(BAD_POOL_CALLER, [&] { K(RtlFreeUnicodeString)(&wide); })[0], 0x46);
  EXPECT_EQ(violations(Rule::pool_bad_free), 1u);
}

TEST_P(StringTest, GuidsGoBothWays) {
  Counted text(u"{65755A40-f146-43ea-8C91-36b85728fd35}");
  GUID guid{};
  EXPECT_EQ(K(RtlGUIDFromString)(&text, &guid), STATUS_SUCCESS);
  EXPECT_EQ(guid.Data1, 0x65755A40u);
  EXPECT_EQ(guid.Data2, 0xF146);
  EXPECT_EQ(guid.Data4[0], 0x8C);
  EXPECT_EQ(guid.Data4[7], 0x35);
  UNICODE_STRING back{};
  EXPECT_EQ(K(RtlStringFromGUID)(&guid, &back), STATUS_SUCCESS);
  EXPECT_EQ(view(back), u"{65755a40-f146-43ea-8c91-36b85728fd35}");
  K(RtlFreeUnicodeString)(&back);
  for (const char16_t* bad : {u"", u"{65755A40-f146-43ea-8C91-36b85728fd3}", u"{65755A40+f146-43ea-8C91-36b85728fd35}",
                              u"{65755A4G-f146-43ea-8C91-36b85728fd35}"}) {
    Counted wrong(bad);
    EXPECT_EQ(K(RtlGUIDFromString)(&wrong, &guid), STATUS_INVALID_PARAMETER) << to_utf8(bad);
  }
}

TEST_P(StringTest, MemoryRoutines) {
  EXPECT_EQ(K(RtlCompareMemory)("abcd", "abXd", 4), 2u) << "how many are equal, not which is greater";
  EXPECT_EQ(K(RtlCompareMemory)("abcd", "abcd", 4), 4u);
  char text[] = "0123456789";
  K(memcpy)(text + 2, text, 5);
  EXPECT_STREQ(text, "0101234789") << "overlapping, as ntoskrnl allows";
  K(memset)(text, 'x', 3);
  EXPECT_EQ(K(memcmp)(text, "xxx", 3), 0);
  EXPECT_EQ(K(memchr)(text, '2', 10), text + 4);
  K(memmove)(text, text + 1, 4);
  ULONG a = 7, b = 7;
  EXPECT_EQ(K(RtlRandomEx)(&a), K(RtlRandomEx)(&b)) << "one seed, one sequence";
}

TEST_P(StringTest, NarrowC) {
  char text[32] = "ab";
  EXPECT_EQ(K(strlen)("four"), 4u);
  EXPECT_EQ(K(strnlen)("four", 2), 2u);
  EXPECT_STREQ(K(strcat)(text, "cd"), "abcd");
  EXPECT_STREQ(K(strncat)(text, "efgh", 2), "abcdef");
  EXPECT_STREQ(K(strcpy)(text, "xyz"), "xyz");
  EXPECT_EQ(std::memcmp(K(strncpy)(text, "q", 4), "q\0\0\0", 4), 0);
  EXPECT_LT(K(strcmp)("a", "b"), 0);
  EXPECT_EQ(K(strncmp)("abX", "abY", 2), 0);
  EXPECT_EQ(K(_stricmp)("MiXed", "mIxED"), 0);
  EXPECT_LT(K(_strnicmp)("abc", "ABD", 3), 0);
  EXPECT_EQ(K(_strnicmp)("abc", "ABD", 2), 0);
  EXPECT_STREQ(K(strchr)("a.b.c", '.'), ".b.c");
  EXPECT_STREQ(K(strrchr)("a.b.c", '.'), ".c");
  EXPECT_STREQ(K(strstr)("haystack", "st"), "stack");
  EXPECT_EQ(K(tolower)('Q') + K(toupper)('q'), 'q' + 'Q');
}

constexpr int einval = 22, erange = 34, struncate = 80;
constexpr std::size_t truncate = ~std::size_t{0};

TEST_P(StringTest, MemoryWithASize) {
  char to[5] = "abcd";
  EXPECT_EQ(K(memcpy_s)(to, 4, "1234", 4), 0);
  EXPECT_STREQ(to, "1234");
  EXPECT_EQ(K(memcpy_s)(nullptr, 0, nullptr, 0), 0) << "nothing is asked for";
  EXPECT_EQ(K(memcpy_s)(nullptr, 4, to, 1), einval);
  EXPECT_EQ(K(memcpy_s)(to, 3, "wxyz", 4), erange);
  EXPECT_EQ(std::memcmp(to,
                        "\0\0\0"
                        "4",
                        5),
            0)
      << "the buffer is wiped, as far as it goes";
  to[0] = 'x';
  EXPECT_EQ(K(memcpy_s)(to, 1, nullptr, 1), einval);
  EXPECT_EQ(to[0], 0);
  std::memcpy(to, "abcd", 5);
  EXPECT_EQ(K(memmove_s)(to + 1, 3, to, 3), 0);
  EXPECT_STREQ(to, "aabc");
  EXPECT_EQ(K(memmove_s)(to, 3, "wxyz", 4), erange);
  EXPECT_EQ(K(memmove_s)(to, 3, nullptr, 1), einval);
  EXPECT_STREQ(to, "aabc") << "here it stays";
  EXPECT_EQ(K(memmove_s)(nullptr, 0, nullptr, 0), 0);
  EXPECT_EQ(K(memmove_s)(nullptr, 1, to, 1), einval);
}

TEST_P(StringTest, NarrowWithASize) {
  char text[6] = "#####";
  EXPECT_EQ(K(strcpy_s)(text, 5, "four"), 0);
  EXPECT_STREQ(text, "four");
  EXPECT_EQ(K(strcpy_s)(text, 5, "fives"), erange);
  EXPECT_STREQ(text, "");
  EXPECT_EQ(K(strcpy_s)(nullptr, 5, "x"), einval);
  EXPECT_EQ(K(strcpy_s)(text, 0, "x"), einval);
  text[0] = 'x';
  EXPECT_EQ(K(strcpy_s)(text, 5, nullptr), einval);
  EXPECT_STREQ(text, "");
  const char unended[3] = {'a', 'b', 'c'};
  EXPECT_EQ(K(strncpy_s)(text, 4, unended, 3), 0) << "no further than the count is read";
  EXPECT_STREQ(text, "abc");
  EXPECT_EQ(K(strncpy_s)(text, 3, "abc", 3), erange);
  EXPECT_STREQ(text, "");
  EXPECT_EQ(K(strncpy_s)(text, 3, "abc", truncate), struncate);
  EXPECT_STREQ(text, "ab");
  EXPECT_EQ(K(strncpy_s)(text, 3, "ab", truncate), 0);
  EXPECT_EQ(K(strncpy_s)(text, 3, nullptr, 0), 0);
  EXPECT_STREQ(text, "");
  EXPECT_EQ(K(strncpy_s)(nullptr, 0, nullptr, 0), 0);
  EXPECT_EQ(K(strncpy_s)(nullptr, 0, "a", 1), einval);
  EXPECT_EQ(K(strncpy_s)(text, 3, nullptr, 1), einval);
  EXPECT_EQ(K(strcat_s)(text, 5, "ab"), 0);
  EXPECT_EQ(K(strcat_s)(text, 5, "cd"), 0);
  EXPECT_STREQ(text, "abcd");
  EXPECT_EQ(K(strcat_s)(text, 5, ""), 0) << "full is no error";
  EXPECT_EQ(K(strcat_s)(text, 5, "e"), erange);
  EXPECT_STREQ(text, "");
  std::memset(text, 'x', 4);
  EXPECT_EQ(K(strcat_s)(text, 4, "a"), einval) << "no end within the size";
  EXPECT_STREQ(text, "");
  EXPECT_EQ(K(strncat_s)(text, 4, unended, 3), 0);
  EXPECT_STREQ(text, "abc");
  EXPECT_EQ(K(strncat_s)(text, 4, nullptr, 0), 0);
  EXPECT_STREQ(text, "abc");
  EXPECT_EQ(K(strncat_s)(text, 6, "defg", truncate), struncate);
  EXPECT_STREQ(text, "abcde");
  EXPECT_EQ(K(strncat_s)(text, 6, "f", 1), erange);
  EXPECT_STREQ(text, "");
}

TEST_P(StringTest, WideWithASize) {
  char16_t text[6] = u"#####";
  const auto is = [&](std::u16string_view wanted) { return std::u16string_view(text) == wanted; };
  EXPECT_EQ(K(dumpsim_wcscpy_s)(text, 5, u"four"), 0);
  EXPECT_TRUE(is(u"four"));
  EXPECT_EQ(text[5], 0);
  EXPECT_EQ(K(dumpsim_wcscpy_s)(text, 4, u"four"), erange) << "sizes are in characters";
  EXPECT_TRUE(is(u""));
  EXPECT_EQ(K(dumpsim_wcsncpy_s)(text, 4, u"abcdef", truncate), struncate);
  EXPECT_TRUE(is(u"abc"));
  EXPECT_EQ(K(dumpsim_wcsncpy_s)(text, 4, u"abcdef", 2), 0);
  EXPECT_EQ(K(dumpsim_wcscat_s)(text, 5, u"cd"), 0);
  EXPECT_TRUE(is(u"abcd"));
  EXPECT_EQ(K(dumpsim_wcscat_s)(text, 5, u"e"), erange);
  EXPECT_EQ(K(dumpsim_wcsncat_s)(text, 3, u"abcdef", 2), 0);
  EXPECT_TRUE(is(u"ab"));
}

TEST_P(StringTest, WideC) {
  char16_t text[32] = u"ab";
  EXPECT_EQ(K(dumpsim_wcslen)(u"four"), 4u);
  EXPECT_EQ(K(dumpsim_wcsnlen)(u"four", 3), 3u);
  EXPECT_EQ(std::u16string_view(K(dumpsim_wcscat)(text, u"cd")), u"abcd");
  EXPECT_EQ(std::u16string_view(K(dumpsim_wcsncat)(text, u"efgh", 2)), u"abcdef");
  EXPECT_EQ(std::u16string_view(K(dumpsim_wcscpy)(text, u"xyz")), u"xyz");
  EXPECT_EQ(K(dumpsim_wcsncpy)(text, u"q", 4)[3], 0);
  EXPECT_LT(K(dumpsim_wcscmp)(u"a", u"b"), 0);
  EXPECT_EQ(K(dumpsim_wcsncmp)(u"abX", u"abY", 2), 0);
  EXPECT_EQ(K(dumpsim__wcsicmp)(u"M\u00c4X", u"m\u00e4x"), 0);
  EXPECT_EQ(K(dumpsim__wcsnicmp)(u"abX", u"ABY", 2), 0);
  EXPECT_EQ(std::u16string_view(K(dumpsim_wcschr)(u"a.b", u'.')), u".b");
  EXPECT_EQ(K(dumpsim_wcschr)(u"a.b", u'x'), nullptr);
  EXPECT_EQ(std::u16string_view(K(dumpsim_wcsrchr)(u"a.b.c", u'.')), u".c");
  EXPECT_EQ(std::u16string_view(K(dumpsim_wcsstr)(u"haystack", u"st")), u"stack");
  EXPECT_EQ(K(dumpsim_wcsstr)(u"haystack", u"x"), nullptr);
  EXPECT_EQ(K(dumpsim_wcsspn)(u"aabc", u"ab"), 3u);
  char narrow[8];
  EXPECT_EQ(K(dumpsim_wcstombs)(narrow, u"abc", 8), 3u);
  EXPECT_STREQ(narrow, "abc");
  EXPECT_EQ(K(dumpsim_wcstombs)(narrow, u"\u20ac", 8), ~std::size_t{0});
  EXPECT_EQ(K(dumpsim_mbstowcs)(text, "abc", 8), 3u);
  EXPECT_EQ(std::u16string_view(text), u"abc");
  char16_t* end = nullptr;
  EXPECT_EQ(K(dumpsim_wcstoul)(u" 0x1Fz", &end, 0), 31u);
  EXPECT_EQ(*end, u'z');
  EXPECT_EQ(K(dumpsim_wcstoul)(u"-1", nullptr, 10), 0xFFFFFFFFu);
  EXPECT_EQ(K(dumpsim_wcstoul)(u"99999999999", nullptr, 10), 0xFFFFFFFFu);
  EXPECT_EQ(K(dumpsim_wcstoul)(u"017", nullptr, 0), 15u);
  EXPECT_EQ(std::u16string_view(K(dumpsim__wcsupr)(text)), u"ABC");
  EXPECT_EQ(std::u16string_view(K(dumpsim__wcslwr)(text)), u"abc");
  EXPECT_EQ(K(dumpsim_towupper)(u'\u00e9'), u'\u00c9');
  EXPECT_EQ(K(dumpsim_towlower)(u'\u0416'), u'\u0436');
  K(dumpsim_wmemset)(text, u'z', 2);
  EXPECT_EQ(K(dumpsim_wmemcmp)(text, u"zzc", 3), 0);
  EXPECT_EQ(K(dumpsim_wmemcpy)(text, u"q", 1)[0], u'q');
}

}  // namespace
}  // namespace dumpsim::kernel::test
