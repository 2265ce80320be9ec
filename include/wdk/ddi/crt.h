// SPDX-License-Identifier: Apache-2.0
//
// The part of the C runtime that ntoskrnl exports, and the intrinsics of <stdlib.h>. The wide functions are the point:
// in an ELF image wcslen would bind to glibc's, which counts 32-bit characters, load without complaint and return
// nonsense [seen: VeraCrypt 1.19 crashed in its self-test]. So each wide name is a macro for dumpsim_NAME, which the
// kernel exports.
#ifndef WDK_DDI_CRT_H
#define WDK_DDI_CRT_H

#include "types.h"

// The standard headers that declare wide functions come first, both sets of them: <cwchar> would take the macros away
// again. std::wcslen is then an error, not glibc's. A Windows target takes its names from here alone: what headers are
// in its reach are those of user mode, or ours of crt/, which lead here.
#if !defined(_WIN32)
#ifdef __cplusplus
extern "C++" {
#if __has_include(<cwchar>) && __has_include(<cwctype>)
#include <cstring>
#include <cwchar>
#include <cwctype>
#endif
#endif
#if __has_include(<string.h>)
#include <string.h>
#define WDK_HAVE_STRING_H 1
#endif
#if __has_include(<wchar.h>) && __has_include(<wctype.h>)
#include <wchar.h>
#include <wctype.h>
#endif
#ifdef __cplusplus
}  // extern "C++"
#endif
#endif  // !_WIN32

WDK_EXTERN_C_BEGIN

#ifndef WDK_HAVE_STRING_H
void* memcpy(void* destination, const void* source, size_t count);
void* memmove(void* destination, const void* source, size_t count);
void* memset(void* destination, int value, size_t count);
int memcmp(const void* a, const void* b, size_t count);
void* memchr(const void* buffer, int value, size_t count);
size_t strlen(const char* text);
size_t strnlen(const char* text, size_t limit);
int strcmp(const char* a, const char* b);
int strncmp(const char* a, const char* b, size_t count);
char* strcpy(char* destination, const char* source);
char* strncpy(char* destination, const char* source, size_t count);
char* strcat(char* destination, const char* source);
char* strncat(char* destination, const char* source, size_t count);
char* strchr(const char* text, int character);
char* strrchr(const char* text, int character);
char* strstr(const char* text, const char* part);
#endif

#if WDK_DRIVER_BUILD
#ifdef __cplusplus
int tolower(int character) noexcept;
int toupper(int character) noexcept;
#else
int tolower(int character);
int toupper(int character);
#endif
int _stricmp(const char* a, const char* b);
int _strnicmp(const char* a, const char* b, size_t count);
int _snprintf(char* buffer, size_t count, const char* format, ...);
int _vsnprintf(char* buffer, size_t count, const char* format, va_list arguments);

#if defined(__ELF__)
#undef wcslen
#undef wcsnlen
#undef wcscmp
#undef wcsncmp
#undef wcscpy
#undef wcsncpy
#undef wcscat
#undef wcsncat
#undef wcschr
#undef wcsrchr
#undef wcsstr
#undef wcsspn
#undef towlower
#undef towupper
#undef swprintf
#undef wcstoul
#undef wmemcpy
#undef wmemset
#undef wmemcmp
#define wcslen dumpsim_wcslen
#define wcsnlen dumpsim_wcsnlen
#define wcscmp dumpsim_wcscmp
#define wcsncmp dumpsim_wcsncmp
#define wcscpy dumpsim_wcscpy
#define wcsncpy dumpsim_wcsncpy
#define wcscat dumpsim_wcscat
#define wcsncat dumpsim_wcsncat
#define wcschr dumpsim_wcschr
#define wcsrchr dumpsim_wcsrchr
#define wcsstr dumpsim_wcsstr
#define wcsspn dumpsim_wcsspn
#define towlower dumpsim_towlower
#define towupper dumpsim_towupper
#define swprintf dumpsim_swprintf
#define wmemcpy dumpsim_wmemcpy
#define wmemset dumpsim_wmemset
#define wmemcmp dumpsim_wmemcmp
#ifndef __cplusplus
#define wcstombs dumpsim_wcstombs
#define mbstowcs dumpsim_mbstowcs
#define wcstoul dumpsim_wcstoul
#endif
#define _wcsicmp dumpsim__wcsicmp
#define _wcsnicmp dumpsim__wcsnicmp
#define _wcslwr dumpsim__wcslwr
#define _wcsupr dumpsim__wcsupr
#define _snwprintf dumpsim__snwprintf
#define _vsnwprintf dumpsim__vsnwprintf
#endif

int _snwprintf(wchar_t* buffer, size_t count, const wchar_t* format, ...);
int _vsnwprintf(wchar_t* buffer, size_t count, const wchar_t* format, va_list arguments);
size_t wcslen(const wchar_t* text);
size_t wcsnlen(const wchar_t* text, size_t limit);
int wcscmp(const wchar_t* a, const wchar_t* b);
int wcsncmp(const wchar_t* a, const wchar_t* b, size_t count);
wchar_t* wcscpy(wchar_t* destination, const wchar_t* source);
wchar_t* wcsncpy(wchar_t* destination, const wchar_t* source, size_t count);
wchar_t* wcscat(wchar_t* destination, const wchar_t* source);
wchar_t* wcsncat(wchar_t* destination, const wchar_t* source, size_t count);
wchar_t* wcschr(const wchar_t* text, wchar_t character);
wchar_t* wcsrchr(const wchar_t* text, wchar_t character);
wchar_t* wcsstr(const wchar_t* text, const wchar_t* part);
size_t wcsspn(const wchar_t* text, const wchar_t* set);
#ifndef __cplusplus  // libstdc++ names std::wcstoul and std::mbstowcs itself, so C++ does without
size_t wcstombs(char* destination, const wchar_t* source, size_t count);
size_t mbstowcs(wchar_t* destination, const char* source, size_t count);
ULONG wcstoul(const wchar_t* text, wchar_t** end, int base);
#endif
wchar_t towlower(wchar_t character);
wchar_t towupper(wchar_t character);
int swprintf(wchar_t* buffer, const wchar_t* format, ...);
wchar_t* wmemcpy(wchar_t* destination, const wchar_t* source, size_t count);
wchar_t* wmemset(wchar_t* destination, wchar_t value, size_t count);
int wmemcmp(const wchar_t* a, const wchar_t* b, size_t count);
int _wcsicmp(const wchar_t* a, const wchar_t* b);
int _wcsnicmp(const wchar_t* a, const wchar_t* b, size_t count);
wchar_t* _wcslwr(wchar_t* text);
wchar_t* _wcsupr(wchar_t* text);
#endif  // WDK_DRIVER_BUILD

// Rotations. _lrotl turns 32 bits, as a Windows long has. The names are macros, since Clang's Microsoft mode and
// <x86intrin.h> claim them too; _rotl64 stays a function with unsigned __int64, which drivers declare again.
WDK_INLINE unsigned char WDK_ROTL8(unsigned char value, unsigned char shift) {
  return (unsigned char)((value << (shift & 7)) | (value >> ((8 - shift) & 7)));
}
WDK_INLINE unsigned char WDK_ROTR8(unsigned char value, unsigned char shift) {
  return (unsigned char)((value >> (shift & 7)) | (value << ((8 - shift) & 7)));
}
WDK_INLINE unsigned short WDK_ROTL16(unsigned short value, unsigned char shift) {
  return (unsigned short)((value << (shift & 15)) | (value >> ((16 - shift) & 15)));
}
WDK_INLINE unsigned short WDK_ROTR16(unsigned short value, unsigned char shift) {
  return (unsigned short)((value >> (shift & 15)) | (value << ((16 - shift) & 15)));
}
static __inline__ __attribute__((__unused__)) unsigned int wdk_rotl32(unsigned int value, int shift) {
  return (value << (shift & 31)) | (value >> ((32 - shift) & 31));
}
static __inline__ __attribute__((__unused__)) unsigned int wdk_rotr32(unsigned int value, int shift) {
  return (value >> (shift & 31)) | (value << ((32 - shift) & 31));
}
static __inline__ __attribute__((__unused__)) ULONGLONG wdk_rotl64(ULONGLONG value, int shift) {
  return (value << (shift & 63)) | (value >> ((64 - shift) & 63));
}
static __inline__ __attribute__((__unused__)) ULONGLONG wdk_rotr64(ULONGLONG value, int shift) {
  return (value >> (shift & 63)) | (value << ((64 - shift) & 63));
}
#undef _rotl
#undef _rotr
#undef _lrotl
#undef _lrotr
#define _rotl8 WDK_ROTL8
#define _rotr8 WDK_ROTR8
#define _rotl16 WDK_ROTL16
#define _rotr16 WDK_ROTR16
#define _rotl wdk_rotl32
#define _rotr wdk_rotr32
#define _lrotl wdk_rotl32
#define _lrotr wdk_rotr32
#define _rotl64 wdk_rotl64
#define _rotr64 wdk_rotr64
#define RotateLeft8 _rotl8
#define RotateLeft16 _rotl16
#define RotateLeft32 _rotl
#define RotateLeft64 _rotl64
#define RotateRight8 _rotr8
#define RotateRight16 _rotr16
#define RotateRight32 _rotr
#define RotateRight64 _rotr64

WDK_INLINE unsigned short wdk_byteswap16(unsigned short value) {
  return __builtin_bswap16(value);
}
WDK_INLINE ULONG wdk_byteswap32(ULONG value) {
  return __builtin_bswap32(value);
}
WDK_INLINE ULONGLONG wdk_byteswap64(ULONGLONG value) {
  return __builtin_bswap64(value);
}
#define _byteswap_ushort wdk_byteswap16
#define _byteswap_ulong wdk_byteswap32
#define _byteswap_uint64 wdk_byteswap64
#define RtlUshortByteSwap(value) wdk_byteswap16((USHORT)(value))
#define RtlUlongByteSwap(value) wdk_byteswap32((ULONG)(value))
#define RtlUlonglongByteSwap(value) wdk_byteswap64((ULONGLONG)(value))

#define _countof(array) (sizeof(array) / sizeof((array)[0]))

WDK_EXTERN_C_END

// min and max: macros in C; in C++ templates, so that std::min survives. Host programs get neither.
#if WDK_DRIVER_BUILD && !defined(NOMINMAX)
#ifdef __cplusplus
#ifndef min
extern "C++" {
#define WDK_COMMON(A, B) decltype(true ? static_cast<A (*)()>(nullptr)() : static_cast<B (*)()>(nullptr)())
template <class A, class B>
constexpr auto min(A a, B b) -> WDK_COMMON(A, B) {
  return a < b ? a : b;
}
template <class A, class B>
constexpr auto max(A a, B b) -> WDK_COMMON(A, B) {
  return a > b ? a : b;
}
#undef WDK_COMMON
}
#endif
#else
#ifndef min
#define min(a, b) (((a) < (b)) ? (a) : (b))
#endif
#ifndef max
#define max(a, b) (((a) > (b)) ? (a) : (b))
#endif
#endif
#endif

#include "crt_secure.h"

#endif  // WDK_DDI_CRT_H
