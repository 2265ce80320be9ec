// SPDX-License-Identifier: Apache-2.0
//
// More of what our headers have inline, each at the borders of its values: lookaside lists, the compiler's intrinsics
// for wide numbers, bits and strings of words, and arithmetic that says when it overflows.
#include <gtest/gtest.h>

#include <array>
#include <limits>
#include <type_traits>
#include <vector>

#include "wdk/intrin.h"
#include "wdk/ntddk.h"
#include "wdk/ntintsafe.h"

// What the kernel exports and the inline functions of lookaside lists call; here without interlocking.
extern "C" {
USHORT ExQueryDepthSList(PSLIST_HEADER head) {
  return static_cast<USHORT>(head->HeaderX64.Depth);
}
PSLIST_ENTRY ExpInterlockedPushEntrySList(PSLIST_HEADER head, PSLIST_ENTRY entry) {
  auto* first = reinterpret_cast<PSLIST_ENTRY>(head->Region);
  entry->Next = first;
  head->Region = reinterpret_cast<ULONGLONG>(entry);
  head->HeaderX64.Depth = (head->HeaderX64.Depth + 1) & 0xffff;
  return first;
}
PSLIST_ENTRY ExpInterlockedPopEntrySList(PSLIST_HEADER head) {
  auto* first = reinterpret_cast<PSLIST_ENTRY>(head->Region);
  if (first == nullptr) return nullptr;
  head->Region = reinterpret_cast<ULONGLONG>(first->Next);
  head->HeaderX64.Depth = (head->HeaderX64.Depth - 1) & 0xffff;
  return first;
}
}

namespace {

/// What a list's routines were called with, in order.
struct ListCall {
  bool allocates = false;
  POOL_TYPE type = NonPagedPool;
  SIZE_T bytes = 0;
  ULONG tag = 0;
  PVOID entry = nullptr;
  PLOOKASIDE_LIST_EX list = nullptr;
};
std::vector<ListCall> calls;
alignas(16) std::array<SLIST_ENTRY, 4> entries;

PVOID allocate_entry_ex(POOL_TYPE type, SIZE_T bytes, ULONG tag, PLOOKASIDE_LIST_EX list) {
  PVOID entry = &entries[calls.size() % entries.size()];
  calls.push_back({true, type, bytes, tag, entry, list});
  return entry;
}
VOID free_entry_ex(PVOID entry, PLOOKASIDE_LIST_EX list) {
  calls.push_back({.entry = entry, .list = list});
}
PVOID allocate_entry(POOL_TYPE type, SIZE_T bytes, ULONG tag) {
  return allocate_entry_ex(type, bytes, tag, nullptr);
}
VOID free_entry(PVOID entry) {
  free_entry_ex(entry, nullptr);
}

TEST(WdkLookaside, AnExtendedListAsksItsRoutinesOnlyWhenItMust) {
  calls.clear();
  LOOKASIDE_LIST_EX list{};
  list.L.Depth = 1;
  list.L.Type = PagedPool;
  list.L.Size = 40;
  list.L.Tag = 0x6B6F6F4C;
  list.L.AllocateEx = allocate_entry_ex;
  list.L.FreeEx = free_entry_ex;
  PVOID first = ExAllocateFromLookasideListEx(&list);
  PVOID second = ExAllocateFromLookasideListEx(&list);
  ASSERT_EQ(calls.size(), 2u);
  EXPECT_TRUE(calls[0].allocates);
  EXPECT_EQ(calls[0].type, PagedPool);
  EXPECT_EQ(calls[0].bytes, 40u);
  EXPECT_EQ(calls[0].tag, 0x6B6F6F4Cu);
  EXPECT_EQ(calls[0].list, &list);
  EXPECT_EQ(first, calls[0].entry);
  EXPECT_EQ(second, calls[1].entry);
  ExFreeToLookasideListEx(&list, first);
  EXPECT_EQ(calls.size(), 2u) << "there is room for one";
  ExFreeToLookasideListEx(&list, second);
  ASSERT_EQ(calls.size(), 3u);
  EXPECT_FALSE(calls[2].allocates);
  EXPECT_EQ(calls[2].entry, second);
  EXPECT_EQ(calls[2].list, &list);
  EXPECT_EQ(ExAllocateFromLookasideListEx(&list), first);
  EXPECT_EQ(calls.size(), 3u);
  EXPECT_EQ(list.L.TotalAllocates, 3u);
  EXPECT_EQ(list.L.AllocateMisses, 2u);
  EXPECT_EQ(list.L.TotalFrees, 2u);
  EXPECT_EQ(list.L.FreeMisses, 1u);
}

TEST(WdkLookaside, APlainListDoesTheSameWithoutItself) {
  calls.clear();
  PAGED_LOOKASIDE_LIST list{};
  list.L.Depth = 1;
  list.L.Type = PagedPool;
  list.L.Size = 24;
  list.L.Allocate = allocate_entry;
  list.L.Free = free_entry;
  PVOID first = ExAllocateFromPagedLookasideList(&list);
  PVOID second = ExAllocateFromPagedLookasideList(&list);
  ExFreeToPagedLookasideList(&list, second);
  ExFreeToPagedLookasideList(&list, first);
  ASSERT_EQ(calls.size(), 3u);
  EXPECT_EQ(calls[1].bytes, 24u);
  EXPECT_EQ(calls[2].entry, first);
  EXPECT_EQ(ExAllocateFromPagedLookasideList(&list), second);
  EXPECT_EQ(list.L.AllocateMisses, 2u);
  EXPECT_EQ(list.L.FreeMisses, 1u);
}

TEST(WdkIntrinsics, WideProductsAndShifts) {
  constexpr ULONGLONG all = ~0ULL;
  constexpr ULONGLONG top = 1ULL << 63;
  EXPECT_EQ(__umulh(0, all), 0u);
  EXPECT_EQ(__umulh(1, all), 0u);
  EXPECT_EQ(__umulh(2, top), 1u);
  EXPECT_EQ(__umulh(1ULL << 32, 1ULL << 32), 1u);
  EXPECT_EQ(__umulh(all, all), all - 1);
  // (low, high, shift): the upper half of a shift to the left, the lower of one to the right.
  EXPECT_EQ(__shiftleft128(all, 5, 0), 5u) << "nothing comes in";
  EXPECT_EQ(__shiftleft128(top, 0, 1), 1u);
  EXPECT_EQ(__shiftleft128(top, 1, 1), 3u);
  EXPECT_EQ(__shiftleft128(0x123456789abcdef0, 0, 63), 0x123456789abcdef0ULL >> 1);
  EXPECT_EQ(__shiftleft128(top, 1, 64), 1u) << "the amount is taken modulo 64";
  EXPECT_EQ(__shiftleft128(top, 1, 65), 3u);
  EXPECT_EQ(__shiftright128(5, all, 0), 5u);
  EXPECT_EQ(__shiftright128(0, 1, 1), top);
  EXPECT_EQ(__shiftright128(2, 1, 1), top + 1);
  EXPECT_EQ(__shiftright128(0, all, 63), all << 1);
  EXPECT_EQ(__shiftright128(5, all, 64), 5u);
  EXPECT_EQ(__shiftright128(2, 1, 129), top + 1);
}

TEST(WdkIntrinsics, ABitIsFoundInAnyWord) {
  const LONG words[3] = {1, std::numeric_limits<LONG>::min(), 0x40};
  EXPECT_EQ(_bittest(words, 0), 1);
  EXPECT_EQ(_bittest(words, 1), 0);
  EXPECT_EQ(_bittest(words, 31), 0);
  EXPECT_EQ(_bittest(words, 32), 0);
  EXPECT_EQ(_bittest(words, 63), 1) << "one, not the sign";
  EXPECT_EQ(_bittest(words, 70), 1);
  EXPECT_EQ(_bittest(words, 95), 0);
  // The instruction counts downwards too.
  EXPECT_EQ(_bittest(words + 2, -1), 1);
  EXPECT_EQ(_bittest(words + 2, -2), 0);
  EXPECT_EQ(_bittest(words + 2, -33), 0);
  EXPECT_EQ(_bittest(words + 2, -64), 1);
}

TEST(WdkIntrinsics, StringsOfWordsEndWhereTheCountSays) {
  const ULONGLONG from[3] = {0x1122334455667788, ~0ULL, 3};
  ULONGLONG to[3] = {};
  __movsq(to, from, 2);
  EXPECT_EQ(to[0], from[0]);
  EXPECT_EQ(to[1], from[1]);
  EXPECT_EQ(to[2], 0u);
  __movsq(to, from + 2, 0);
  EXPECT_EQ(to[0], from[0]);
  __movsq(to + 1, to, 2);
  EXPECT_EQ(to[2], from[0]) << "word by word upwards, also over itself";
  ULONG words[4] = {};
  __stosd(words, 0xdeadbeef, 3);
  EXPECT_EQ(words[0], 0xdeadbeefu);
  EXPECT_EQ(words[2], 0xdeadbeefu);
  EXPECT_EQ(words[3], 0u);
  __stosd(words, 7, 0);
  EXPECT_EQ(words[0], 0xdeadbeefu);
  ULONGLONG wide[3] = {};
  __stosq(wide, ~0ULL, 2);
  EXPECT_EQ(wide[1], ~0ULL);
  EXPECT_EQ(wide[2], 0u);
  UCHAR bytes[4] = {1, 2, 3, 4};
  __movsb(bytes + 1, bytes, 3);
  EXPECT_EQ(bytes[3], 1);
}

TEST(WdkIntrinsics, RotationsOfEveryWidthByEveryBorder) {
  EXPECT_EQ(RotateLeft8(0x81, 0), 0x81);
  EXPECT_EQ(RotateLeft8(0x81, 1), 0x03);
  EXPECT_EQ(RotateLeft8(0x81, 7), 0xc0);
  EXPECT_EQ(RotateLeft8(0x81, 8), 0x81);
  EXPECT_EQ(RotateRight8(0x81, 1), 0xc0);
  EXPECT_EQ(RotateRight8(0x81, 9), 0xc0);
  EXPECT_EQ(RotateLeft16(0x8001, 0), 0x8001);
  EXPECT_EQ(RotateLeft16(0x8001, 1), 0x0003);
  EXPECT_EQ(RotateLeft16(0x8001, 15), 0xc000);
  EXPECT_EQ(RotateRight16(0x8001, 16), 0x8001);
  EXPECT_EQ(RotateRight16(0x8001, 1), 0xc000);
  EXPECT_EQ(RotateLeft32(0x80000001, 0), 0x80000001u);
  EXPECT_EQ(RotateLeft32(0x80000001, 1), 3u);
  EXPECT_EQ(RotateLeft32(0x80000001, 31), 0xc0000000u);
  EXPECT_EQ(RotateLeft32(0x80000001, 32), 0x80000001u);
  EXPECT_EQ(RotateRight32(0x80000001, 1), 0xc0000000u);
  EXPECT_EQ(RotateRight32(0x80000001, -1), 3u) << "the amount is signed";
  EXPECT_EQ(RotateLeft64(0x8000000000000001, 0), 0x8000000000000001u);
  EXPECT_EQ(RotateLeft64(0x8000000000000001, 1), 3u);
  EXPECT_EQ(RotateLeft64(0x8000000000000001, 63), 0xc000000000000000u);
  EXPECT_EQ(RotateRight64(0x8000000000000001, 64), 0x8000000000000001u);
  EXPECT_EQ(RotateRight64(0x8000000000000001, 1), 0xc000000000000000u);
}

/// The status and the result of a function of intsafe, from a result that is neither answer.
template <class Type>
struct Answer {
  NTSTATUS status;
  Type result;
  bool operator==(const Answer&) const = default;
};
template <class Type>
Answer<Type> is(Type result) {
  return {STATUS_SUCCESS, result};
}
template <class Type>
Answer<Type> overflows() {
  return {STATUS_INTEGER_OVERFLOW, static_cast<Type>(-1)};
}

template <class Type>
using Binary = NTSTATUS (*)(Type, Type, Type*);
template <class Type>
Answer<Type> of(Binary<Type> function, std::type_identity_t<Type> a, std::type_identity_t<Type> b) {
  Answer<Type> answer{1, 77};
  answer.status = function(a, b, &answer.result);
  return answer;
}

template <class Type>
void signed_borders(Binary<Type> add, Binary<Type> sub, Binary<Type> mult) {
  constexpr Type least = std::numeric_limits<Type>::min();
  constexpr Type most = std::numeric_limits<Type>::max();
  EXPECT_EQ(of(add, most - 1, 1), is<Type>(most));
  EXPECT_EQ(of(add, most, 1), overflows<Type>());
  EXPECT_EQ(of(add, least + 1, -1), is<Type>(least));
  EXPECT_EQ(of(add, least, -1), overflows<Type>());
  EXPECT_EQ(of(add, least, most), is<Type>(-1)) << "the result of an overflow, but none";
  EXPECT_EQ(of(sub, least + 1, 1), is<Type>(least));
  EXPECT_EQ(of(sub, least, 1), overflows<Type>());
  EXPECT_EQ(of(sub, -1, most), is<Type>(least));
  EXPECT_EQ(of(sub, 0, least), overflows<Type>());
  EXPECT_EQ(of(sub, -1, least), is<Type>(most));
  EXPECT_EQ(of(mult, most / 2, 2), is<Type>(most - 1));
  EXPECT_EQ(of(mult, most / 2 + 1, 2), overflows<Type>());
  EXPECT_EQ(of(mult, least / 2, 2), is<Type>(least));
  EXPECT_EQ(of(mult, least, -1), overflows<Type>());
  EXPECT_EQ(of(mult, most, -1), is<Type>(least + 1));
}

TEST(WdkIntSafe, SignedArithmeticAtItsBorders) {
  signed_borders<INT>(IntAdd, IntSub, IntMult);
  signed_borders<LONG>(LongAdd, LongSub, LongMult);
  signed_borders<LONG_PTR>(LongPtrAdd, LongPtrSub, LongPtrMult);
  signed_borders<LONGLONG>(LongLongAdd, LongLongSub, LongLongMult);
  signed_borders<INT>(RtlIntAdd, RtlIntSub, RtlIntMult);
  signed_borders<LONG>(RtlLongAdd, RtlLongSub, RtlLongMult);
  signed_borders<LONG_PTR>(RtlLongPtrAdd, RtlLongPtrSub, RtlLongPtrMult);
  signed_borders<LONGLONG>(RtlLongLongAdd, RtlLongLongSub, RtlLongLongMult);
}

template <class Type>
void unsigned_borders(Binary<Type> add, Binary<Type> sub, Binary<Type> mult) {
  constexpr Type most = std::numeric_limits<Type>::max();
  EXPECT_EQ(of(add, most - 1, 1), is<Type>(most));
  EXPECT_EQ(of(add, most, 1), overflows<Type>());
  EXPECT_EQ(of(sub, 1, 1), is<Type>(0));
  EXPECT_EQ(of(sub, 0, 1), overflows<Type>());
  EXPECT_EQ(of(mult, most / 2, 2), is<Type>(most - 1));
  EXPECT_EQ(of(mult, most / 2 + 1, 2), overflows<Type>());
  EXPECT_EQ(of(mult, most, 0), is<Type>(0));
}

TEST(WdkIntSafe, UnsignedArithmeticAtItsBorders) {
  unsigned_borders<UCHAR>(UInt8Add, UInt8Sub, UInt8Mult);
  unsigned_borders<USHORT>(UShortAdd, UShortSub, UShortMult);
  unsigned_borders<UINT>(UIntAdd, UIntSub, UIntMult);
  unsigned_borders<ULONG>(ULongAdd, ULongSub, ULongMult);
  unsigned_borders<ULONGLONG>(ULongLongAdd, ULongLongSub, ULongLongMult);
  unsigned_borders<SIZE_T>(SizeTAdd, SizeTSub, SizeTMult);
  unsigned_borders<SIZE_T>(SIZETAdd, SIZETSub, SIZETMult);
  unsigned_borders<ULONG_PTR>(UIntPtrAdd, UIntPtrSub, UIntPtrMult);
  unsigned_borders<ULONG_PTR>(RtlULongPtrAdd, RtlULongPtrSub, RtlULongPtrMult);
}

/// The same value where it fits, an overflow where it does not: at the borders of both types.
template <class From, class To>
void conversion(NTSTATUS (*function)(From, To*), NTSTATUS (*rtl)(From, To*), const char* name) {
  SCOPED_TRACE(name);
  using Wide = __int128;
  std::vector<Wide> values{0, 1, -1};
  for (const Wide border : {Wide{std::numeric_limits<From>::min()}, Wide{std::numeric_limits<From>::max()},
                            Wide{std::numeric_limits<To>::min()}, Wide{std::numeric_limits<To>::max()}}) {
    for (const int beside : {-1, 0, 1}) values.push_back(border + beside);
  }
  const auto fits = [](Wide value, auto limits) { return value >= limits.min() && value <= limits.max(); };
  int good = 0;
  for (const Wide value : values) {
    if (!fits(value, std::numeric_limits<From>{})) continue;
    const bool sound = fits(value, std::numeric_limits<To>{});
    good += sound ? 1 : 0;
    for (const auto which : {function, rtl}) {
      Answer<To> answer{1, 77};
      answer.status = which(static_cast<From>(value), &answer.result);
      EXPECT_EQ(answer, sound ? is(static_cast<To>(value)) : overflows<To>()) << static_cast<long long>(value);
    }
  }
  EXPECT_GT(good, 2);
}
#define CONVERSION(name) conversion(name, Rtl##name, #name)

TEST(WdkIntSafe, ConversionsKeepTheValueOrSaySo) {
  CONVERSION(SizeTToULong);
  CONVERSION(SizeTToUShort);
  CONVERSION(SizeTToLong);
  CONVERSION(SizeTToUInt);
  CONVERSION(SIZETToULong);
  CONVERSION(ULongToUShort);
  CONVERSION(ULongToUChar);
  CONVERSION(ULongToLong);
  CONVERSION(ULongLongToULong);
  CONVERSION(ULongLongToSizeT);
  CONVERSION(ULongLongToLongLong);
  CONVERSION(ULongLongToLong);
  CONVERSION(ULongLongToUInt);
  CONVERSION(ULongLongToULongPtr);
  CONVERSION(ULongPtrToULong);
  CONVERSION(LongToULong);
  CONVERSION(LongToUShort);
  CONVERSION(LongLongToULong);
  CONVERSION(LongLongToULongLong);
  CONVERSION(LongLongToLong);
  CONVERSION(IntToULong);
  CONVERSION(IntToUShort);
  CONVERSION(UIntToULong);
  CONVERSION(UIntToInt);
  CONVERSION(UShortToUChar);
}

}  // namespace
