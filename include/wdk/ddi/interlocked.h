// SPDX-License-Identifier: Apache-2.0
//
// Interlocked operations and the barriers. They are compiler intrinsics on Windows, so they are inline here, and
// type-generic: callers pass LONG* as well as `long*`, which differ in width on Linux.
#ifndef WDK_DDI_INTERLOCKED_H
#define WDK_DDI_INTERLOCKED_H

#include "types.h"

#ifdef __cplusplus
// C++ linkage even when a driver wraps its includes in extern "C". The value's type is not deduced, so that
// InterlockedExchangePointer(&pointer, NULL) finds the pointer's type.
extern "C++" {
template <class Type>
struct WDK_SAME {
  typedef Type type;
};
template <class Type>
struct WDK_SAME<volatile Type> {
  typedef Type type;
};
#define WDK_VALUE typename WDK_SAME<Type>::type
#define WDK_INTERLOCKED_1(name, expression)                                       \
  template <class Type>                                                           \
  static inline __attribute__((__always_inline__)) WDK_VALUE name(Type* target) { \
    return expression;                                                            \
  }
#define WDK_INTERLOCKED_2(name, expression)                                                        \
  template <class Type>                                                                            \
  static inline __attribute__((__always_inline__)) WDK_VALUE name(Type* target, WDK_VALUE value) { \
    return expression;                                                                             \
  }
#define WDK_INTERLOCKED_3(name, expression)                                                      \
  template <class Type>                                                                          \
  static inline __attribute__((__always_inline__)) WDK_VALUE name(Type* target, WDK_VALUE value, \
                                                                  WDK_VALUE comparand) {         \
    return expression;                                                                           \
  }
#define WDK_INTERLOCKED_FAMILY(suffix)                                                                   \
  WDK_INTERLOCKED_1(InterlockedIncrement##suffix, __atomic_add_fetch(target, 1, __ATOMIC_SEQ_CST))       \
  WDK_INTERLOCKED_1(InterlockedDecrement##suffix, __atomic_sub_fetch(target, 1, __ATOMIC_SEQ_CST))       \
  WDK_INTERLOCKED_2(InterlockedExchange##suffix, __atomic_exchange_n(target, value, __ATOMIC_SEQ_CST))   \
  WDK_INTERLOCKED_2(InterlockedExchangeAdd##suffix, __atomic_fetch_add(target, value, __ATOMIC_SEQ_CST)) \
  WDK_INTERLOCKED_2(InterlockedAdd##suffix, __atomic_add_fetch(target, value, __ATOMIC_SEQ_CST))         \
  WDK_INTERLOCKED_2(InterlockedAnd##suffix, __atomic_fetch_and(target, value, __ATOMIC_SEQ_CST))         \
  WDK_INTERLOCKED_2(InterlockedOr##suffix, __atomic_fetch_or(target, value, __ATOMIC_SEQ_CST))           \
  WDK_INTERLOCKED_2(InterlockedXor##suffix, __atomic_fetch_xor(target, value, __ATOMIC_SEQ_CST))         \
  WDK_INTERLOCKED_3(InterlockedCompareExchange##suffix, __sync_val_compare_and_swap(target, comparand, value))
WDK_INTERLOCKED_FAMILY()
WDK_INTERLOCKED_FAMILY(Acquire)
WDK_INTERLOCKED_FAMILY(Release)
WDK_INTERLOCKED_FAMILY(NoFence)
WDK_INTERLOCKED_FAMILY(8)
WDK_INTERLOCKED_FAMILY(16)
WDK_INTERLOCKED_FAMILY(64)
// Any pointer to a pointer goes in, as with the kit's macro; the old value comes back as PVOID.
template <class Type>
static inline __attribute__((__always_inline__)) PVOID InterlockedExchangePointer(Type* target, PVOID value) {
  return __atomic_exchange_n((PVOID volatile*)target, value, __ATOMIC_SEQ_CST);
}
template <class Type>
static inline __attribute__((__always_inline__)) PVOID InterlockedCompareExchangePointer(Type* target, PVOID value,
                                                                                         PVOID comparand) {
  return __sync_val_compare_and_swap((PVOID volatile*)target, comparand, value);
}
}  // extern "C++"
#undef WDK_INTERLOCKED_FAMILY
#undef WDK_INTERLOCKED_1
#undef WDK_INTERLOCKED_2
#undef WDK_INTERLOCKED_3
#else
#define InterlockedIncrement(target) __atomic_add_fetch((target), 1, __ATOMIC_SEQ_CST)
#define InterlockedDecrement(target) __atomic_sub_fetch((target), 1, __ATOMIC_SEQ_CST)
#define InterlockedExchange(target, value) __atomic_exchange_n((target), (value), __ATOMIC_SEQ_CST)
#define InterlockedExchangeAdd(target, value) __atomic_fetch_add((target), (value), __ATOMIC_SEQ_CST)
#define InterlockedAdd(target, value) __atomic_add_fetch((target), (value), __ATOMIC_SEQ_CST)
#define InterlockedAnd(target, value) __atomic_fetch_and((target), (value), __ATOMIC_SEQ_CST)
#define InterlockedOr(target, value) __atomic_fetch_or((target), (value), __ATOMIC_SEQ_CST)
#define InterlockedXor(target, value) __atomic_fetch_xor((target), (value), __ATOMIC_SEQ_CST)
#define InterlockedCompareExchange(target, value, comparand) __sync_val_compare_and_swap((target), (comparand), (value))
#define InterlockedExchangePointer(target, value) \
  __atomic_exchange_n((PVOID volatile*)(target), (PVOID)(value), __ATOMIC_SEQ_CST)
#define InterlockedCompareExchangePointer(target, value, comparand) \
  __sync_val_compare_and_swap((PVOID volatile*)(target), (PVOID)(comparand), (PVOID)(value))
#define InterlockedIncrementAcquire(target) InterlockedIncrement(target)
#define InterlockedDecrementAcquire(target) InterlockedDecrement(target)
#define InterlockedExchangeAcquire(target, value) InterlockedExchange(target, value)
#define InterlockedExchangeAddAcquire(target, value) InterlockedExchangeAdd(target, value)
#define InterlockedAddAcquire(target, value) InterlockedAdd(target, value)
#define InterlockedAndAcquire(target, value) InterlockedAnd(target, value)
#define InterlockedOrAcquire(target, value) InterlockedOr(target, value)
#define InterlockedXorAcquire(target, value) InterlockedXor(target, value)
#define InterlockedCompareExchangeAcquire(target, value, comparand) InterlockedCompareExchange(target, value, comparand)
#define InterlockedIncrementRelease(target) InterlockedIncrement(target)
#define InterlockedDecrementRelease(target) InterlockedDecrement(target)
#define InterlockedExchangeRelease(target, value) InterlockedExchange(target, value)
#define InterlockedExchangeAddRelease(target, value) InterlockedExchangeAdd(target, value)
#define InterlockedAddRelease(target, value) InterlockedAdd(target, value)
#define InterlockedAndRelease(target, value) InterlockedAnd(target, value)
#define InterlockedOrRelease(target, value) InterlockedOr(target, value)
#define InterlockedXorRelease(target, value) InterlockedXor(target, value)
#define InterlockedCompareExchangeRelease(target, value, comparand) InterlockedCompareExchange(target, value, comparand)
#define InterlockedIncrementNoFence(target) InterlockedIncrement(target)
#define InterlockedDecrementNoFence(target) InterlockedDecrement(target)
#define InterlockedExchangeNoFence(target, value) InterlockedExchange(target, value)
#define InterlockedExchangeAddNoFence(target, value) InterlockedExchangeAdd(target, value)
#define InterlockedAddNoFence(target, value) InterlockedAdd(target, value)
#define InterlockedAndNoFence(target, value) InterlockedAnd(target, value)
#define InterlockedOrNoFence(target, value) InterlockedOr(target, value)
#define InterlockedXorNoFence(target, value) InterlockedXor(target, value)
#define InterlockedCompareExchangeNoFence(target, value, comparand) InterlockedCompareExchange(target, value, comparand)
#define InterlockedIncrement8(target) InterlockedIncrement(target)
#define InterlockedDecrement8(target) InterlockedDecrement(target)
#define InterlockedExchange8(target, value) InterlockedExchange(target, value)
#define InterlockedExchangeAdd8(target, value) InterlockedExchangeAdd(target, value)
#define InterlockedAdd8(target, value) InterlockedAdd(target, value)
#define InterlockedAnd8(target, value) InterlockedAnd(target, value)
#define InterlockedOr8(target, value) InterlockedOr(target, value)
#define InterlockedXor8(target, value) InterlockedXor(target, value)
#define InterlockedCompareExchange8(target, value, comparand) InterlockedCompareExchange(target, value, comparand)
#define InterlockedIncrement16(target) InterlockedIncrement(target)
#define InterlockedDecrement16(target) InterlockedDecrement(target)
#define InterlockedExchange16(target, value) InterlockedExchange(target, value)
#define InterlockedExchangeAdd16(target, value) InterlockedExchangeAdd(target, value)
#define InterlockedAdd16(target, value) InterlockedAdd(target, value)
#define InterlockedAnd16(target, value) InterlockedAnd(target, value)
#define InterlockedOr16(target, value) InterlockedOr(target, value)
#define InterlockedXor16(target, value) InterlockedXor(target, value)
#define InterlockedCompareExchange16(target, value, comparand) InterlockedCompareExchange(target, value, comparand)
#define InterlockedIncrement64(target) InterlockedIncrement(target)
#define InterlockedDecrement64(target) InterlockedDecrement(target)
#define InterlockedExchange64(target, value) InterlockedExchange(target, value)
#define InterlockedExchangeAdd64(target, value) InterlockedExchangeAdd(target, value)
#define InterlockedAdd64(target, value) InterlockedAdd(target, value)
#define InterlockedAnd64(target, value) InterlockedAnd(target, value)
#define InterlockedOr64(target, value) InterlockedOr(target, value)
#define InterlockedXor64(target, value) InterlockedXor(target, value)
#define InterlockedCompareExchange64(target, value, comparand) InterlockedCompareExchange(target, value, comparand)
#endif

// The intrinsics' own spelling. As object macros they take effect before a compiler's built-in of the same name.
#define _InterlockedIncrement InterlockedIncrement
#define _InterlockedDecrement InterlockedDecrement
#define _InterlockedExchange InterlockedExchange
#define _InterlockedExchangeAdd InterlockedExchangeAdd
#define _InterlockedAnd InterlockedAnd
#define _InterlockedOr InterlockedOr
#define _InterlockedXor InterlockedXor
#define _InterlockedCompareExchange InterlockedCompareExchange
#define _InterlockedIncrement8 InterlockedIncrement8
#define _InterlockedDecrement8 InterlockedDecrement8
#define _InterlockedExchange8 InterlockedExchange8
#define _InterlockedExchangeAdd8 InterlockedExchangeAdd8
#define _InterlockedAnd8 InterlockedAnd8
#define _InterlockedOr8 InterlockedOr8
#define _InterlockedXor8 InterlockedXor8
#define _InterlockedCompareExchange8 InterlockedCompareExchange8
#define _InterlockedIncrement16 InterlockedIncrement16
#define _InterlockedDecrement16 InterlockedDecrement16
#define _InterlockedExchange16 InterlockedExchange16
#define _InterlockedExchangeAdd16 InterlockedExchangeAdd16
#define _InterlockedAnd16 InterlockedAnd16
#define _InterlockedOr16 InterlockedOr16
#define _InterlockedXor16 InterlockedXor16
#define _InterlockedCompareExchange16 InterlockedCompareExchange16
#define _InterlockedIncrement64 InterlockedIncrement64
#define _InterlockedDecrement64 InterlockedDecrement64
#define _InterlockedExchange64 InterlockedExchange64
#define _InterlockedExchangeAdd64 InterlockedExchangeAdd64
#define _InterlockedAnd64 InterlockedAnd64
#define _InterlockedOr64 InterlockedOr64
#define _InterlockedXor64 InterlockedXor64
#define _InterlockedCompareExchange64 InterlockedCompareExchange64
#define _InterlockedExchangePointer InterlockedExchangePointer
#define _InterlockedCompareExchangePointer InterlockedCompareExchangePointer

// `bts` and `btr` on a word: the old bit comes back.
WDK_INLINE UCHAR WDK_BIT_TEST_AND_SET(volatile void* base, ULONGLONG bit) {
  UCHAR mask = (UCHAR)(1u << (bit & 7));
  return (__atomic_fetch_or((volatile UCHAR*)base + (bit >> 3), mask, __ATOMIC_SEQ_CST) & mask) != 0;
}
WDK_INLINE UCHAR WDK_BIT_TEST_AND_RESET(volatile void* base, ULONGLONG bit) {
  UCHAR mask = (UCHAR)(1u << (bit & 7));
  return (__atomic_fetch_and((volatile UCHAR*)base + (bit >> 3), (UCHAR)~mask, __ATOMIC_SEQ_CST) & mask) != 0;
}
#define InterlockedBitTestAndSet(base, bit) WDK_BIT_TEST_AND_SET((base), (ULONGLONG)(bit))
#define InterlockedBitTestAndReset(base, bit) WDK_BIT_TEST_AND_RESET((base), (ULONGLONG)(bit))
#define InterlockedBitTestAndSet64(base, bit) WDK_BIT_TEST_AND_SET((base), (ULONGLONG)(bit))
#define InterlockedBitTestAndReset64(base, bit) WDK_BIT_TEST_AND_RESET((base), (ULONGLONG)(bit))

WDK_INLINE LONG ReadAcquire(const volatile LONG* source) {
  return __atomic_load_n(source, __ATOMIC_ACQUIRE);
}
WDK_INLINE LONG ReadNoFence(const volatile LONG* source) {
  return __atomic_load_n(source, __ATOMIC_RELAXED);
}
WDK_INLINE LONG64 ReadAcquire64(const volatile LONG64* source) {
  return __atomic_load_n(source, __ATOMIC_ACQUIRE);
}
WDK_INLINE VOID WriteRelease(volatile LONG* destination, LONG value) {
  __atomic_store_n(destination, value, __ATOMIC_RELEASE);
}
WDK_INLINE VOID WriteNoFence(volatile LONG* destination, LONG value) {
  __atomic_store_n(destination, value, __ATOMIC_RELAXED);
}
WDK_INLINE VOID WriteRelease64(volatile LONG64* destination, LONG64 value) {
  __atomic_store_n(destination, value, __ATOMIC_RELEASE);
}

#define KeMemoryBarrier() __atomic_thread_fence(__ATOMIC_SEQ_CST)
#define KeMemoryBarrierWithoutFence() __atomic_signal_fence(__ATOMIC_SEQ_CST)
#define MemoryBarrier() __atomic_thread_fence(__ATOMIC_SEQ_CST)
#if !defined(_WIN32)
#define _ReadWriteBarrier() __atomic_signal_fence(__ATOMIC_SEQ_CST)
#define _ReadBarrier() __atomic_signal_fence(__ATOMIC_ACQUIRE)
#define _WriteBarrier() __atomic_signal_fence(__ATOMIC_RELEASE)
#endif
#define YieldProcessor() __builtin_ia32_pause()

#endif  // WDK_DDI_INTERLOCKED_H
