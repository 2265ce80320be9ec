// SPDX-License-Identifier: Apache-2.0
// The Ex forms of the bounded string routines, and those on counted strings: where they stop, what is left, what the
// flags ask for.
#include <gtest/gtest.h>

#include <cstring>
#include <string>

#include "wdk/ntddk.h"
//
#include "wdk/ntstrsafe.h"

namespace {

TEST(Strsafe, ExFormsSayWhereTheyStop) {
  CHAR text[8];
  PSTR end = nullptr;
  SIZE_T left = 0;
  EXPECT_EQ(RtlStringCchCopyExA(text, 8, "abc", &end, &left, STRSAFE_FILL_BYTE('x')), STATUS_SUCCESS);
  EXPECT_EQ(end, text + 3);
  EXPECT_EQ(left, 5u);
  EXPECT_EQ(std::string(text, 8), std::string("abc\0xxxx", 8));
  EXPECT_EQ(RtlStringCchCatExA(text, 8, "defgh", &end, &left, 0), STATUS_BUFFER_OVERFLOW);
  EXPECT_STREQ(text, "abcdefg");
  EXPECT_EQ(left, 1u);
  EXPECT_EQ(RtlStringCchCopyExA(text, 8, nullptr, &end, &left, STRSAFE_IGNORE_NULLS), STATUS_SUCCESS);
  EXPECT_STREQ(text, "");
  EXPECT_EQ(RtlStringCchCopyExA(text, 4, "abcdef", &end, &left, STRSAFE_NO_TRUNCATION), STATUS_BUFFER_OVERFLOW);
  EXPECT_STREQ(text, "");
  EXPECT_EQ(RtlStringCchCopyExA(text, 4, "ab", nullptr, nullptr, 0), STATUS_SUCCESS);
  EXPECT_EQ(RtlStringCchCatExA(text, 4, "cdef", nullptr, nullptr, STRSAFE_NO_TRUNCATION), STATUS_BUFFER_OVERFLOW);
  EXPECT_STREQ(text, "ab") << "what was there stays";
  EXPECT_EQ(RtlStringCchCopyExA(text, 4, "abcdef", nullptr, nullptr, STRSAFE_FAILURE_BYTE('y')),
            STATUS_BUFFER_OVERFLOW);
  EXPECT_STREQ(text, "yyy");
  EXPECT_EQ(RtlStringCchCopyExA(text, 8, "a", nullptr, nullptr, 0x2000), STATUS_INVALID_PARAMETER);
  WCHAR wide[4];
  EXPECT_EQ(RtlStringCbCopyExW(wide, sizeof wide + 1, u"ab", nullptr, &left, 0), STATUS_SUCCESS);
  EXPECT_EQ(left, 5u) << "bytes, with the odd one";
}

TEST(Strsafe, CountedStringsNeedNoTerminator) {
  WCHAR room[4] = {u'#', u'#', u'#', u'#'};
  UNICODE_STRING string{0, 6, room};
  EXPECT_EQ(RtlUnicodeStringCopyString(&string, u"abc"), STATUS_SUCCESS);
  EXPECT_EQ(string.Length, 6);
  EXPECT_EQ(room[3], u'#');
  EXPECT_EQ(RtlUnicodeStringCatString(&string, u"d"), STATUS_BUFFER_OVERFLOW);
  UNICODE_STRING other{2, 2, room}, copy{0, 8, room + 0};
  EXPECT_EQ(RtlUnicodeStringCat(&copy, &other), STATUS_SUCCESS);
  EXPECT_EQ(copy.Length, 2);
  WCHAR text[3];
  EXPECT_EQ(RtlStringCchCopyUnicodeString(text, 3, &string), STATUS_BUFFER_OVERFLOW);
  EXPECT_EQ(std::u16string(text), u"ab");
  UNICODE_STRING odd{1, 4, room};
  EXPECT_EQ(RtlUnicodeStringValidate(&odd), STATUS_INVALID_PARAMETER);
  UNICODE_STRING made;
  EXPECT_EQ(RtlUnicodeStringInit(&made, u"abc"), STATUS_SUCCESS);
  EXPECT_EQ(made.MaximumLength, 8);
}

}  // namespace
