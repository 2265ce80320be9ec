// SPDX-License-Identifier: Apache-2.0
// Bitmaps, security descriptors, and the conversions of text.
#include <cstring>

#include "kernel_fixture.hpp"

namespace dumpsim::kernel::test {
namespace {

class RtlTest : public KernelTest {};
DUMPSIM_BOTH_CONVENTIONS(RtlTest);

TEST_P(RtlTest, BitsAreFoundFromAHintAndAroundTheEnd) {
  ULONG words[2] = {};
  RTL_BITMAP map;
  K(RtlInitializeBitMap)(&map, words, 40);
  EXPECT_EQ(K(RtlNumberOfClearBits)(&map), 40u);
  K(RtlSetBits)(&map, 4, 30);
  EXPECT_EQ(words[0], 0xFFFFFFF0u);
  EXPECT_EQ(words[1], 0x3u);
  EXPECT_EQ(K(RtlFindClearBits)(&map, 4, 10), 34u);
  EXPECT_EQ(K(RtlFindClearBits)(&map, 4, 38), 0u) << "from the beginning again";
  EXPECT_EQ(K(RtlFindClearBits)(&map, 7, 0), 0xFFFFFFFFu);
  EXPECT_EQ(K(RtlFindClearBits)(&map, 0, 13), 8u);
  EXPECT_EQ(K(RtlFindSetBits)(&map, 30, 0), 4u);
  EXPECT_EQ(K(RtlFindClearBitsAndSet)(&map, 2, 0), 0u);
  EXPECT_TRUE(K(RtlAreBitsSet)(&map, 0, 2));
  EXPECT_FALSE(K(RtlAreBitsSet)(&map, 0, 3));
  EXPECT_FALSE(K(RtlAreBitsClear)(&map, 34, 7)) << "beyond the map";
  RTL_BITMAP_RUN runs[3];
  EXPECT_EQ(K(RtlFindClearRuns)(&map, runs, 3, FALSE), 2u);
  EXPECT_EQ(runs[0].StartingIndex, 2u);
  EXPECT_EQ(K(RtlFindClearRuns)(&map, runs, 1, TRUE), 1u);
  EXPECT_EQ(runs[0].StartingIndex, 34u);
  EXPECT_EQ(runs[0].NumberOfBits, 6u);
  ULONG start = 0;
  EXPECT_EQ(K(RtlFindLongestRunClear)(&map, &start), 6u);
  EXPECT_EQ(K(RtlFindFirstRunClear)(&map, &start), 2u);
  EXPECT_EQ(K(RtlFindLastBackwardRunClear)(&map, 20, &start), 2u);
  EXPECT_EQ(start, 2u);
  K(RtlClearBit)(&map, 20);
  EXPECT_FALSE(K(RtlTestBit)(&map, 20));
  K(RtlSetAllBits)(&map);
  EXPECT_EQ(K(RtlFindNextForwardRunClear)(&map, 0, &start), 0u);
  K(RtlClearAllBits)(&map);
  EXPECT_EQ(K(RtlNumberOfSetBits)(&map), 0u);
  EXPECT_EQ(K(RtlFindMostSignificantBit)(0x10), 4);
  EXPECT_EQ(K(RtlFindLeastSignificantBit)(0), -1);
}

TEST_P(RtlTest, ADescriptorIsPutTogether) {
  SECURITY_DESCRIPTOR descriptor;
  EXPECT_EQ(K(RtlCreateSecurityDescriptor)(&descriptor, 2), STATUS_UNKNOWN_REVISION);
  EXPECT_EQ(K(RtlCreateSecurityDescriptor)(&descriptor, SECURITY_DESCRIPTOR_REVISION), STATUS_SUCCESS);
  SID_IDENTIFIER_AUTHORITY authority = SECURITY_NT_AUTHORITY;
  alignas(8) unsigned char sid[32], list[64];
  EXPECT_EQ(K(RtlInitializeSid)(sid, &authority, 2), STATUS_SUCCESS);
  *K(RtlSubAuthoritySid)(sid, 0) = SECURITY_BUILTIN_DOMAIN_RID;
  *K(RtlSubAuthoritySid)(sid, 1) = DOMAIN_ALIAS_RID_ADMINS;
  EXPECT_EQ(K(RtlLengthSid)(sid), 16u);
  EXPECT_TRUE(K(RtlEqualSid)(sid, sid));
  auto* acl = reinterpret_cast<PACL>(list);
  EXPECT_EQ(K(RtlCreateAcl)(acl, 40, ACL_REVISION), STATUS_SUCCESS);
  EXPECT_EQ(K(RtlAddAccessAllowedAce)(acl, ACL_REVISION, GENERIC_ALL, sid), STATUS_SUCCESS);
  EXPECT_EQ(K(RtlAddAccessAllowedAce)(acl, ACL_REVISION, GENERIC_ALL, sid), static_cast<NTSTATUS>(0xC0000099));
  EXPECT_EQ(acl->AceCount, 1);
  EXPECT_EQ(K(RtlSetDaclSecurityDescriptor)(&descriptor, TRUE, acl, FALSE), STATUS_SUCCESS);
  EXPECT_TRUE(K(RtlValidSecurityDescriptor)(&descriptor));
  EXPECT_EQ(K(RtlLengthSecurityDescriptor)(&descriptor), sizeof descriptor + 40);
  EXPECT_EQ(K(ZwSetSecurityObject)(nullptr, DACL_SECURITY_INFORMATION, &descriptor), STATUS_INVALID_HANDLE);
  BOOLEAN present = FALSE, defaulted = TRUE;
  PACL found = nullptr;
  EXPECT_EQ(K(RtlGetDaclSecurityDescriptor)(&descriptor, &present, &found, &defaulted), STATUS_SUCCESS);
  EXPECT_EQ(found, acl);
  EXPECT_EQ(defaulted, FALSE);
}

TEST_P(RtlTest, TextIsHashedFoldedAndConverted) {
  Counted small(u"abc"), large(u"ABC");
  ULONG a = 0, b = 0;
  EXPECT_EQ(K(RtlHashUnicodeString)(&small, TRUE, HASH_STRING_ALGORITHM_X65599, &a), STATUS_SUCCESS);
  EXPECT_EQ(K(RtlHashUnicodeString)(&large, FALSE, HASH_STRING_ALGORITHM_DEFAULT, &b), STATUS_SUCCESS);
  EXPECT_EQ(a, b);
  EXPECT_EQ(a, (65u * 65599u + 66u) * 65599u + 67u);
  EXPECT_EQ(K(RtlHashUnicodeString)(&small, TRUE, 2, &a), STATUS_INVALID_PARAMETER);
  UNICODE_STRING down{};
  EXPECT_EQ(K(RtlDowncaseUnicodeString)(&down, &large, TRUE), STATUS_SUCCESS);
  EXPECT_EQ(view(down), u"abc");
  K(RtlFreeUnicodeString)(&down);
  UNICODE_STRING copy{};
  EXPECT_TRUE(K(RtlCreateUnicodeString)(&copy, u"copied"));
  EXPECT_EQ(view(copy), u"copied");
  EXPECT_EQ(K(RtlxUnicodeStringToAnsiSize)(&copy), 7u);
  K(RtlFreeUnicodeString)(&copy);
  WCHAR wide[8];
  ULONG bytes = 0;
  EXPECT_EQ(K(RtlMultiByteToUnicodeN)(wide, 4, &bytes, "abc", 3), STATUS_SUCCESS);
  EXPECT_EQ(bytes, 4u);
  CHAR narrow[8];
  EXPECT_EQ(K(RtlUnicodeToMultiByteN)(narrow, 8, &bytes, u"a\u0416", 4), STATUS_SUCCESS);
  EXPECT_EQ(std::string(narrow, bytes), "a?");
  EXPECT_EQ(K(RtlUTF8ToUnicodeN)(nullptr, 0, &bytes, "\xC3\xA9", 2), STATUS_SUCCESS);
  EXPECT_EQ(bytes, 2u);
  EXPECT_EQ(K(RtlUTF8ToUnicodeN)(wide, 2, &bytes, "\xF0\x9F\x98\x80", 4), STATUS_BUFFER_TOO_SMALL);
  EXPECT_EQ(bytes, 0u) << "no half of a pair";
  EXPECT_EQ(K(RtlUTF8ToUnicodeN)(wide, 8, &bytes, "\xFF", 1), static_cast<NTSTATUS>(0x107));
  EXPECT_EQ(K(RtlUnicodeToUTF8N)(narrow, 2, &bytes, u"a\u20AC", 4), STATUS_BUFFER_TOO_SMALL);
  EXPECT_EQ(bytes, 1u);
  STRING upper{0, 2, narrow}, source{3, 3, const_cast<PCHAR>("xyz")};
  K(RtlUpperString)(&upper, &source);
  EXPECT_EQ(std::string(narrow, upper.Length), "XY");
  EXPECT_TRUE(K(RtlPrefixString)(&upper, &source, TRUE));
  EXPECT_FALSE(K(RtlPrefixString)(&upper, &source, FALSE));
}

}  // namespace
}  // namespace dumpsim::kernel::test
