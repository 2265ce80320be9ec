// SPDX-License-Identifier: Apache-2.0
//
// The words a Microsoft compiler knows and GCC or Clang may not: calling conventions, __declspec, __int64, inlining.
// Kept apart from the types because this is the only file that looks at the compiler and at the target.
// A driver build is told by its 16-bit wchar_t (-fshort-wchar, or a Windows target): no host program has one.
// The calling convention is a matter of the compile flags (System V, or -mabi=ms, or a Windows target), never of a
// keyword here, so that one prototype serves every kind of image.
#ifndef WDK_DDI_COMPILER_H
#define WDK_DDI_COMPILER_H

// mingw-w64's headers declare the C runtime as imported from a DLL of user mode; a driver's comes from the kernel, and
// the two declarations must agree.
#if defined(__MINGW32__) && !defined(_CRTIMP)
#define _CRTIMP
#endif

#include <stddef.h>

#if !defined(__x86_64__)
#error "these headers describe the x64 driver interface: build for x86-64"
#endif
#if !defined(__GNUC__) && !defined(__clang__)
#error "these headers need GCC or Clang"
#endif

#if __SIZEOF_WCHAR_T__ == 2
#define WDK_DRIVER_BUILD 1
#else
#define WDK_DRIVER_BUILD 0
#endif

#ifdef __cplusplus
#define WDK_EXTERN_C_BEGIN extern "C" {
#define WDK_EXTERN_C_END }
#define WDK_STATIC_ASSERT(expression, message) static_assert(expression, message)
#define WDK_ALIGNOF(type) alignof(type)
#else
#define WDK_EXTERN_C_BEGIN
#define WDK_EXTERN_C_END
#define WDK_STATIC_ASSERT(expression, message) _Static_assert(expression, message)
#define WDK_ALIGNOF(type) _Alignof(type)
#endif

// Anonymous structs and unions inside WDK types: standard in C11, an extension that must not warn in C++.
#define WDK_ANONYMOUS __extension__
#define DUMMYUNIONNAME
#define DUMMYUNIONNAME2
#define DUMMYUNIONNAME3
#define DUMMYUNIONNAME4
#define DUMMYUNIONNAME5
#define DUMMYSTRUCTNAME
#define DUMMYSTRUCTNAME2
#define DUMMYSTRUCTNAME3

// Inline routines of the WDK are internal to each image: two images in one process must never share one.
#define WDK_INLINE static __inline__ __attribute__((__always_inline__, __unused__))

// What a driver's own source tests for. The host keeps its name space clean of them.
#if WDK_DRIVER_BUILD
#ifndef _AMD64_
#define _AMD64_ 1
#endif
#ifndef _WIN64
#define _WIN64 1
#endif
#ifndef _M_AMD64
#define _M_AMD64 100
#endif
#ifndef _M_X64
#define _M_X64 100
#endif
#endif

// A Windows target (including clang's x86_64-pc-windows-msvc-elf) has these as keywords or built-in macros. With
// WDK_KEEP_WORDS they stay as the source has them: `dumpsim cc` preprocesses so, to see which way of building it needs.
#if !defined(_WIN32) && !defined(WDK_KEEP_WORDS)
#ifdef __clang__
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wkeyword-macro"
#endif
#undef __stdcall
#undef __cdecl
#undef __fastcall
#undef __thiscall
#undef __vectorcall
#undef _stdcall
#undef _cdecl
#undef _fastcall
#define __stdcall
#define __cdecl
#define __fastcall
#define __thiscall
#define __vectorcall
#define _stdcall
#define _cdecl
#define _fastcall

#define __unaligned
#define __w64
#define __ptr32
#define __ptr64

// A 64-bit integer must be `long` where long has 64 bits, so that a driver's own typedefs agree with stdint.h's.
// [seen: VeraCrypt and TrueCrypt declare the same type names both ways]
#undef __int8
#undef __int16
#undef __int32
#undef __int64
#define __int8 char
#define __int16 short
#define __int32 int
#if __SIZEOF_LONG__ == 8
#define __int64 long
#else
#define __int64 long long
#endif

// One attribute per __declspec; the usual spelling in drivers. (`__declspec(a b)` needs a compiler that has it.)
#undef __declspec
#define __declspec(attribute) WDK_DECLSPEC_##attribute
#define WDK_DECLSPEC_align(bytes) __attribute__((__aligned__(bytes)))
#define WDK_DECLSPEC_allocate(section) __attribute__((__section__(section)))
#define WDK_DECLSPEC_code_seg(section) __attribute__((__section__(section)))
#define WDK_DECLSPEC_deprecated __attribute__((__deprecated__))
#define WDK_DECLSPEC_dllexport __attribute__((__visibility__("default")))
#define WDK_DECLSPEC_dllimport
#define WDK_DECLSPEC_guard(kind)
#define WDK_DECLSPEC_intrin_type
#define WDK_DECLSPEC_naked __attribute__((__naked__))
#define WDK_DECLSPEC_noalias
#define WDK_DECLSPEC_noinline __attribute__((__noinline__))
#define WDK_DECLSPEC_noreturn __attribute__((__noreturn__))
#define WDK_DECLSPEC_nothrow __attribute__((__nothrow__))
#define WDK_DECLSPEC_novtable
#define WDK_DECLSPEC_restrict __attribute__((__malloc__))
#define WDK_DECLSPEC_safebuffers
#define WDK_DECLSPEC_selectany __attribute__((__weak__))
#define WDK_DECLSPEC_thread __thread
#define WDK_DECLSPEC_uuid(text)

#undef __forceinline
#define __forceinline __inline__ __attribute__((__always_inline__))
#undef __noop
#define __noop(...) ((void)0)
#undef __assume
#define __assume(condition) ((condition) ? (void)0 : __builtin_unreachable())
#ifdef __clang__
#pragma clang diagnostic pop
#endif
#endif  // !_WIN32 && !WDK_KEEP_WORDS

#define FORCEINLINE __forceinline
#define NTAPI
#define NTAPI_INLINE
#define FASTCALL
#define CDECL
#define DECLSPEC_IMPORT
#define DECLSPEC_EXPORT __attribute__((__visibility__("default")))
#define DECLSPEC_NORETURN __attribute__((__noreturn__))
#define DECLSPEC_ALIGN(bytes) __attribute__((__aligned__(bytes)))
#define DECLSPEC_CACHEALIGN DECLSPEC_ALIGN(64)
#define DECLSPEC_SELECTANY __attribute__((__weak__))
#define DECLSPEC_NOINLINE __attribute__((__noinline__))
#define DECLSPEC_DEPRECATED __attribute__((__deprecated__))
#define DECLSPEC_DEPRECATED_DDK
#define DECLSPEC_RESTRICT
#define DECLSPEC_NOVTABLE
#define NTSYSAPI
#define NTKERNELAPI
#define NTHALAPI
#define NTSYSCALLAPI
#define POINTER_ALIGNMENT DECLSPEC_ALIGN(8)
#define MEMORY_ALLOCATION_ALIGNMENT 16
#define SYSTEM_CACHE_ALIGNMENT_SIZE 64
#define RESTRICTED_POINTER
#undef UNALIGNED
#define UNALIGNED
#define UNALIGNED64
#define INLINE __inline__

#ifdef __cplusplus
#define EXTERN_C extern "C"
#define EXTERN_C_START extern "C" {
#define EXTERN_C_END }
#else
#define EXTERN_C extern
#define EXTERN_C_START
#define EXTERN_C_END
#endif

// Driver sources name these for the code segments of a .sys; an ELF image has no pageable part.
#define ALLOC_PRAGMA 0
#define ALLOC_DATA_PRAGMA 0

#endif  // WDK_DDI_COMPILER_H
