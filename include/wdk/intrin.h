// SPDX-License-Identifier: Apache-2.0
//
// Compiler intrinsics under the names Microsoft's compiler has: the vector ones come from the compiler's own header,
// the rest is here, and in ddi/processor.h what only ring 0 may do.
#ifndef WDK_INTRIN_H
#define WDK_INTRIN_H

#include "ddi/crt.h"
#include "ddi/interlocked.h"
#include "ddi/processor.h"
#include "ddi/types.h"

#include <x86intrin.h>

// <x86intrin.h> has its own idea of some of these: _lrotl turns a 64-bit long there.
#undef _rotl
#undef _rotr
#undef _lrotl
#undef _lrotr
#define _rotl wdk_rotl32
#define _rotr wdk_rotr32
#define _lrotl wdk_rotl32
#define _lrotr wdk_rotr32

WDK_EXTERN_C_BEGIN

WDK_INLINE void wdk_cpuidex(int registers[4], int leaf, int subleaf) {
  __asm__ volatile("cpuid"
                   : "=a"(registers[0]), "=b"(registers[1]), "=c"(registers[2]), "=d"(registers[3])
                   : "0"(leaf), "2"(subleaf));
}

WDK_INLINE UCHAR wdk_bit_scan_forward(ULONG* index, ULONG mask) {
  if (mask == 0) {
    return 0;
  }
  *index = (ULONG)__builtin_ctz(mask);
  return 1;
}

WDK_INLINE UCHAR wdk_bit_scan_reverse(ULONG* index, ULONG mask) {
  if (mask == 0) {
    return 0;
  }
  *index = 31u - (ULONG)__builtin_clz(mask);
  return 1;
}

WDK_INLINE UCHAR wdk_bit_scan_forward64(ULONG* index, ULONGLONG mask) {
  if (mask == 0) {
    return 0;
  }
  *index = (ULONG)__builtin_ctzll(mask);
  return 1;
}

WDK_INLINE UCHAR wdk_bit_scan_reverse64(ULONG* index, ULONGLONG mask) {
  if (mask == 0) {
    return 0;
  }
  *index = 63u - (ULONG)__builtin_clzll(mask);
  return 1;
}

WDK_INLINE ULONGLONG wdk_umul128(ULONGLONG a, ULONGLONG b, ULONGLONG* high) {
  __extension__ typedef unsigned __int128 wdk_uint128;
  wdk_uint128 product = (wdk_uint128)a * b;
  *high = (ULONGLONG)(product >> 64);
  return (ULONGLONG)product;
}

WDK_INLINE void wdk_movsb(UCHAR* destination, const UCHAR* source, SIZE_T count) {
  __asm__ volatile("rep movsb" : "+D"(destination), "+S"(source), "+c"(count) : : "memory");
}

WDK_INLINE ULONGLONG wdk_umulh(ULONGLONG a, ULONGLONG b) {
  ULONGLONG high;
  (void)wdk_umul128(a, b, &high);
  return high;
}

WDK_INLINE ULONGLONG wdk_shift_left128(ULONGLONG low, ULONGLONG high, UCHAR shift) {
  shift &= 63;
  return shift == 0 ? high : (high << shift) | (low >> (64 - shift));
}

WDK_INLINE ULONGLONG wdk_shift_right128(ULONGLONG low, ULONGLONG high, UCHAR shift) {
  shift &= 63;
  return shift == 0 ? low : (low >> shift) | (high << (64 - shift));
}

// As `bt` with a place in memory: the number is signed and counts downwards too.
WDK_INLINE UCHAR wdk_bit_test(const LONG* base, LONG bit) {
  return (UCHAR)((base[bit >> 5] >> (bit & 31)) & 1);
}

WDK_INLINE void wdk_movsq(ULONGLONG* destination, const ULONGLONG* source, SIZE_T count) {
  __asm__ volatile("rep movsq" : "+D"(destination), "+S"(source), "+c"(count) : : "memory");
}

WDK_INLINE void wdk_stosd(ULONG* destination, ULONG value, SIZE_T count) {
  __asm__ volatile("rep stosl" : "+D"(destination), "+c"(count) : "a"(value) : "memory");
}

WDK_INLINE void wdk_stosb(UCHAR* destination, UCHAR value, SIZE_T count) {
  __asm__ volatile("rep stosb" : "+D"(destination), "+c"(count) : "a"(value) : "memory");
}

WDK_INLINE void wdk_stosq(ULONGLONG* destination, ULONGLONG value, SIZE_T count) {
  __asm__ volatile("rep stosq" : "+D"(destination), "+c"(count) : "a"(value) : "memory");
}

WDK_EXTERN_C_END

#undef __cpuid
#define __cpuid(registers, leaf) wdk_cpuidex((registers), (leaf), 0)
#define __cpuidex(registers, leaf, subleaf) wdk_cpuidex((registers), (leaf), (subleaf))
#define _BitScanForward(index, mask) wdk_bit_scan_forward((ULONG*)(index), (mask))
#define _BitScanReverse(index, mask) wdk_bit_scan_reverse((ULONG*)(index), (mask))
#define _BitScanForward64(index, mask) wdk_bit_scan_forward64((ULONG*)(index), (mask))
#define _BitScanReverse64(index, mask) wdk_bit_scan_reverse64((ULONG*)(index), (mask))
#define _umul128 wdk_umul128
#undef __umulh
#undef __shiftleft128
#undef __shiftright128
#define __umulh wdk_umulh
#define __shiftleft128 wdk_shift_left128
#define __shiftright128 wdk_shift_right128
#define __movsq(destination, source, count) wdk_movsq((ULONGLONG*)(destination), (const ULONGLONG*)(source), (count))
#define __stosd(destination, value, count) wdk_stosd((ULONG*)(destination), (value), (count))
#define _bittest(base, bit) wdk_bit_test((const LONG*)(base), (bit))
#define _ReturnAddress() __builtin_return_address(0)
#define __ud2() __asm__ volatile("ud2")
#define __fastfail(code) __asm__ volatile("int $0x29" : : "c"(code) : "memory")
#define __movsb wdk_movsb
#define __stosb wdk_stosb
#define __stosq wdk_stosq
#define __popcnt(value) ((unsigned int)__builtin_popcount(value))
#define __popcnt64(value) ((ULONGLONG)__builtin_popcountll(value))
#define __debugbreak() __asm__ volatile("int3")
#define __nop() __asm__ volatile("nop")

#endif  // WDK_INTRIN_H
