// SPDX-License-Identifier: Apache-2.0
//
// Arithmetic and conversions that say when they overflow. In a driver the results are NTSTATUS values of the same
// meaning under the names of ntintsafe.h; both names of each function are here. [doc]
#ifndef WDK_INTSAFE_H
#define WDK_INTSAFE_H

#include "ntdef.h"
#include "ntstatus.h"

#define INTSAFE_SUCCESS STATUS_SUCCESS
#define INTSAFE_E_ARITHMETIC_OVERFLOW STATUS_INTEGER_OVERFLOW

WDK_EXTERN_C_BEGIN

#define WDK_INTSAFE_ARITHMETIC(Prefix, RtlPrefix, Type)                                   \
  WDK_INLINE NTSTATUS RtlPrefix##Add(Type Augend, Type Addend, Type* Result) {            \
    if (!__builtin_add_overflow(Augend, Addend, Result)) return STATUS_SUCCESS;           \
    *Result = (Type)-1;                                                                   \
    return STATUS_INTEGER_OVERFLOW;                                                       \
  }                                                                                       \
  WDK_INLINE NTSTATUS RtlPrefix##Sub(Type Minuend, Type Subtrahend, Type* Result) {       \
    if (!__builtin_sub_overflow(Minuend, Subtrahend, Result)) return STATUS_SUCCESS;      \
    *Result = (Type)-1;                                                                   \
    return STATUS_INTEGER_OVERFLOW;                                                       \
  }                                                                                       \
  WDK_INLINE NTSTATUS RtlPrefix##Mult(Type Multiplicand, Type Multiplier, Type* Result) { \
    if (!__builtin_mul_overflow(Multiplicand, Multiplier, Result)) return STATUS_SUCCESS; \
    *Result = (Type)-1;                                                                   \
    return STATUS_INTEGER_OVERFLOW;                                                       \
  }                                                                                       \
  WDK_INLINE NTSTATUS Prefix##Add(Type Augend, Type Addend, Type* Result) {               \
    return RtlPrefix##Add(Augend, Addend, Result);                                        \
  }                                                                                       \
  WDK_INLINE NTSTATUS Prefix##Sub(Type Minuend, Type Subtrahend, Type* Result) {          \
    return RtlPrefix##Sub(Minuend, Subtrahend, Result);                                   \
  }                                                                                       \
  WDK_INLINE NTSTATUS Prefix##Mult(Type Multiplicand, Type Multiplier, Type* Result) {    \
    return RtlPrefix##Mult(Multiplicand, Multiplier, Result);                             \
  }
WDK_INTSAFE_ARITHMETIC(UShort, RtlUShort, USHORT)
WDK_INTSAFE_ARITHMETIC(UInt, RtlUInt, UINT)
WDK_INTSAFE_ARITHMETIC(ULong, RtlULong, ULONG)
WDK_INTSAFE_ARITHMETIC(ULongLong, RtlULongLong, ULONGLONG)
WDK_INTSAFE_ARITHMETIC(SizeT, RtlSizeT, SIZE_T)
WDK_INTSAFE_ARITHMETIC(SIZET, RtlSIZET, SIZE_T)
WDK_INTSAFE_ARITHMETIC(UInt8, RtlUInt8, UCHAR)
WDK_INTSAFE_ARITHMETIC(UIntPtr, RtlUIntPtr, ULONG_PTR)
WDK_INTSAFE_ARITHMETIC(Int, RtlInt, INT)
WDK_INTSAFE_ARITHMETIC(Long, RtlLong, LONG)
WDK_INTSAFE_ARITHMETIC(LongPtr, RtlLongPtr, LONG_PTR)
WDK_INTSAFE_ARITHMETIC(LongLong, RtlLongLong, LONGLONG)
WDK_INTSAFE_ARITHMETIC(ULongPtr, RtlULongPtr, ULONG_PTR)
#undef WDK_INTSAFE_ARITHMETIC

#define WDK_INTSAFE_CONVERSION(Name, From, To)                              \
  WDK_INLINE NTSTATUS Rtl##Name(From Operand, To* Result) {                 \
    if (!__builtin_add_overflow(Operand, 0, Result)) return STATUS_SUCCESS; \
    *Result = (To)-1;                                                       \
    return STATUS_INTEGER_OVERFLOW;                                         \
  }                                                                         \
  WDK_INLINE NTSTATUS Name(From Operand, To* Result) {                      \
    return Rtl##Name(Operand, Result);                                      \
  }
WDK_INTSAFE_CONVERSION(SizeTToULong, SIZE_T, ULONG)
WDK_INTSAFE_CONVERSION(SizeTToUShort, SIZE_T, USHORT)
WDK_INTSAFE_CONVERSION(ULongToUShort, ULONG, USHORT)
WDK_INTSAFE_CONVERSION(ULongToUChar, ULONG, UCHAR)
WDK_INTSAFE_CONVERSION(ULongLongToULong, ULONGLONG, ULONG)
WDK_INTSAFE_CONVERSION(ULongLongToSizeT, ULONGLONG, SIZE_T)
WDK_INTSAFE_CONVERSION(LongToULong, LONG, ULONG)
WDK_INTSAFE_CONVERSION(ULongToLong, ULONG, LONG)
WDK_INTSAFE_CONVERSION(LongLongToULong, LONGLONG, ULONG)
WDK_INTSAFE_CONVERSION(LongLongToULongLong, LONGLONG, ULONGLONG)
WDK_INTSAFE_CONVERSION(LongLongToLong, LONGLONG, LONG)
WDK_INTSAFE_CONVERSION(ULongLongToLongLong, ULONGLONG, LONGLONG)
WDK_INTSAFE_CONVERSION(ULongLongToLong, ULONGLONG, LONG)
WDK_INTSAFE_CONVERSION(ULongLongToUInt, ULONGLONG, UINT)
WDK_INTSAFE_CONVERSION(ULongLongToULongPtr, ULONGLONG, ULONG_PTR)
WDK_INTSAFE_CONVERSION(ULongPtrToULong, ULONG_PTR, ULONG)
WDK_INTSAFE_CONVERSION(SIZETToULong, SIZE_T, ULONG)
WDK_INTSAFE_CONVERSION(SizeTToLong, SIZE_T, LONG)
WDK_INTSAFE_CONVERSION(SizeTToUInt, SIZE_T, UINT)
WDK_INTSAFE_CONVERSION(LongToUShort, LONG, USHORT)
WDK_INTSAFE_CONVERSION(IntToULong, INT, ULONG)
WDK_INTSAFE_CONVERSION(IntToUShort, INT, USHORT)
WDK_INTSAFE_CONVERSION(UIntToULong, UINT, ULONG)
WDK_INTSAFE_CONVERSION(UIntToInt, UINT, INT)
WDK_INTSAFE_CONVERSION(UShortToUChar, USHORT, UCHAR)
#undef WDK_INTSAFE_CONVERSION

WDK_EXTERN_C_END

#endif  // WDK_INTSAFE_H
