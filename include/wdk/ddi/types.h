// SPDX-License-Identifier: Apache-2.0
//
// The Windows scalar types. This is the one file that decides how wide they are: on Linux `unsigned long` has eight
// bytes, so ULONG is not `unsigned long` there, and WCHAR has 16 bits whatever the compiler's wchar_t has.
#ifndef WDK_DDI_TYPES_H
#define WDK_DDI_TYPES_H

#include "compiler.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#define VOID void
#define CONST const

typedef char CHAR;
typedef signed char INT8, *PINT8;
typedef unsigned char UCHAR, UINT8;
typedef short SHORT;
typedef unsigned short USHORT;
typedef int INT;
typedef unsigned int UINT;

// LLP64 targets keep the real spelling (a driver's own `unsigned long` prototypes must agree), LP64 gets the real
// width.
#if __SIZEOF_LONG__ == 4
typedef long LONG;
typedef unsigned long ULONG;
#else
typedef int LONG;
typedef unsigned int ULONG;
#endif

typedef __INT64_TYPE__ LONGLONG;
typedef __UINT64_TYPE__ ULONGLONG;
typedef __INTPTR_TYPE__ INT_PTR, LONG_PTR;
typedef __UINTPTR_TYPE__ UINT_PTR, ULONG_PTR;

// A driver build spells strings L"…"; the host has char16_t (u"…") for the same 16 bits, C without -fshort-wchar a
// number.
#if __SIZEOF_WCHAR_T__ == 2
typedef wchar_t WCHAR;
#elif defined(__cplusplus)
typedef char16_t WCHAR;
#else
typedef __CHAR16_TYPE__ WCHAR;
#endif

typedef float FLOAT;
typedef double DOUBLE;
typedef void *PVOID, *LPVOID;
typedef void* PVOID64;
typedef const void* LPCVOID;
typedef void* HANDLE;
typedef HANDLE* PHANDLE;

typedef CHAR *PCHAR, *PCH, *LPCH, *PSTR, *LPSTR, *PNZCH;
typedef const CHAR *PCCH, *LPCCH, *PCSTR, *LPCSTR, *PCNZCH;
typedef CHAR* PSZ;
typedef const CHAR* PCSZ;
typedef char CCHAR, *PCCHAR;
typedef PSTR* PZPSTR;
typedef PCSTR* PZPCSTR;
typedef WCHAR *PWCHAR, *PWCH, *LPWCH, *PWSTR, *LPWSTR, *NWPSTR, *PNZWCH, *PZZWSTR;
typedef const WCHAR *PCWCH, *LPCWCH, *PCWSTR, *LPCWSTR, *LPCWCHAR, *PCWCHAR, *PCNZWCH, *PCZZWSTR, *PCUNZWCH;
typedef PWSTR* PZPWSTR;
typedef PCWSTR* PZPCWSTR;
typedef UCHAR* PUCHAR;
typedef const UCHAR* PCUCHAR;
typedef SHORT* PSHORT;
typedef USHORT* PUSHORT;
typedef const USHORT* PCUSHORT;
typedef LONG* PLONG;
typedef const LONG* PCLONG;
typedef ULONG* PULONG;
typedef const ULONG* PCULONG;
typedef INT* PINT;
typedef UINT* PUINT;
typedef LONGLONG* PLONGLONG;
typedef ULONGLONG* PULONGLONG;

typedef short INT16, *PINT16;
typedef unsigned short UINT16, *PUINT16;
typedef UCHAR* PUINT8;
typedef int INT32, *PINT32;
typedef unsigned int UINT32, *PUINT32;
typedef LONGLONG INT64, *PINT64, LONG64, *PLONG64;
typedef ULONGLONG UINT64, *PUINT64, ULONG64, *PULONG64, DWORD64, *PDWORD64, DWORDLONG, *PDWORDLONG;
typedef LONG LONG32, *PLONG32;
typedef ULONG ULONG32, *PULONG32, DWORD32, *PDWORD32;
typedef INT_PTR* PINT_PTR;
typedef UINT_PTR* PUINT_PTR;
typedef LONG_PTR* PLONG_PTR;
typedef ULONG_PTR* PULONG_PTR;
typedef ULONG_PTR SIZE_T, *PSIZE_T, DWORD_PTR, *PDWORD_PTR;
typedef LONG_PTR SSIZE_T, *PSSIZE_T;
typedef ULONG_PTR KAFFINITY, *PKAFFINITY;
typedef LONGLONG USN;

typedef UCHAR BOOLEAN, *PBOOLEAN;
typedef UCHAR KIRQL, *PKIRQL;
typedef CCHAR KPROCESSOR_MODE;
typedef ULONG LOGICAL, *PLOGICAL;
typedef LONG NTSTATUS, *PNTSTATUS;
typedef LONG HRESULT;
typedef LONG KPRIORITY;
typedef ULONG ACCESS_MASK, *PACCESS_MASK;
typedef ULONG LCID, *PLCID;
typedef USHORT LANGID;
typedef short CSHORT;
typedef ULONG CLONG;
typedef UCHAR FCHAR;
typedef ULONG_PTR KSPIN_LOCK, *PKSPIN_LOCK;
typedef ULONG_PTR PFN_NUMBER, *PPFN_NUMBER;
typedef ULONG PFN_COUNT;
typedef LONG_PTR SPFN_NUMBER, *PSPFN_NUMBER;
typedef ULONG NODE_REQUIREMENT;
typedef ULONG DEVICE_TYPE;
typedef PVOID PSECURITY_DESCRIPTOR;
typedef PVOID PSID;
typedef PVOID PACCESS_TOKEN;
typedef ULONG SECURITY_INFORMATION, *PSECURITY_INFORMATION;

#ifndef FALSE
#define FALSE 0
#define TRUE 1
#endif
#ifndef NULL
#define NULL ((void*)0)
#endif

#define MINCHAR 0x80
#define MAXCHAR 0x7f
#define MINSHORT 0x8000
#define MAXSHORT 0x7fff
#define MINLONG 0x80000000
#define MAXLONG 0x7fffffff
#define MAXUCHAR 0xff
#define MAXUSHORT 0xffff
#define MAXULONG 0xffffffff
#define MAXULONG_PTR (~((ULONG_PTR)0))
#define MAXLONGLONG (0x7fffffffffffffffLL)
#define MAXULONGLONG (0xffffffffffffffffULL)
#define MAXULONG64 (~((ULONG64)0))
#define MAXLONG_PTR ((LONG_PTR)(MAXULONG_PTR >> 1))
#define MAXSIZE_T ((SIZE_T) ~((SIZE_T)0))
#define MAXINT8 0x7f
#define MAXINT16 0x7fff
#define MAXINT32 0x7fffffff
#define MAXUINT8 0xff
#define MAXUINT16 0xffff
#define MAXUINT32 0xffffffff

#define HandleToULong(handle) ((ULONG)(ULONG_PTR)(handle))
#define HandleToUlong(handle) HandleToULong(handle)
#define HandleToLong(handle) ((LONG)(LONG_PTR)(handle))
#define ULongToHandle(number) ((HANDLE)(ULONG_PTR)(number))
#define LongToHandle(number) ((HANDLE)(LONG_PTR)(number))
#define PtrToUlong(pointer) ((ULONG)(ULONG_PTR)(pointer))
#define PtrToULong(pointer) PtrToUlong(pointer)
#define PtrToLong(pointer) ((LONG)(LONG_PTR)(pointer))
#define UlongToPtr(number) ((PVOID)(ULONG_PTR)(ULONG)(number))
#define ULongToPtr(number) UlongToPtr(number)
#define LongToPtr(number) ((PVOID)(LONG_PTR)(LONG)(number))
#define UlongToHandle(number) ULongToHandle(number)
#define UintToPtr(number) UlongToPtr(number)

WDK_STATIC_ASSERT(sizeof(CHAR) == 1 && sizeof(UCHAR) == 1 && sizeof(BOOLEAN) == 1, "8-bit types");
WDK_STATIC_ASSERT(sizeof(SHORT) == 2 && sizeof(USHORT) == 2 && sizeof(WCHAR) == 2, "16-bit types");
WDK_STATIC_ASSERT(sizeof(LONG) == 4 && sizeof(ULONG) == 4 && sizeof(NTSTATUS) == 4, "32-bit types");
WDK_STATIC_ASSERT(sizeof(LONGLONG) == 8 && sizeof(ULONGLONG) == 8, "64-bit types");
#if !defined(_WIN32)
WDK_STATIC_ASSERT(sizeof(__int64) == 8, "64-bit types");
#endif
WDK_STATIC_ASSERT(sizeof(PVOID) == 8 && sizeof(ULONG_PTR) == 8 && sizeof(SIZE_T) == sizeof(size_t), "pointers");
WDK_STATIC_ASSERT((LONG)-1 < 0 && (ULONG)-1 > 0 && (WCHAR)-1 > 0, "signedness");

#endif  // WDK_DDI_TYPES_H
