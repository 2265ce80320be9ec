// SPDX-License-Identifier: Apache-2.0
//
// The C runtime's functions that are told a buffer's size. In C++ an array's size is found out, as by Microsoft's
// headers [doc]. A wrong call returns its error [doc] and nothing else happens [assumed]: in a process a handler would
// end it.
#ifndef WDK_DDI_CRT_SECURE_H
#define WDK_DDI_CRT_SECURE_H

#include "types.h"

#if WDK_DRIVER_BUILD

typedef int errno_t;
typedef size_t rsize_t;
#ifndef _TRUNCATE
#define _TRUNCATE ((size_t)-1)
#endif
#ifndef STRUNCATE
#define STRUNCATE 80
#endif
#ifndef EINVAL
#define EINVAL 22
#endif
#ifndef ERANGE
#define ERANGE 34
#endif

#if defined(__ELF__)
#define wcscpy_s dumpsim_wcscpy_s
#define wcsncpy_s dumpsim_wcsncpy_s
#define wcscat_s dumpsim_wcscat_s
#define wcsncat_s dumpsim_wcsncat_s
#define swprintf_s dumpsim_swprintf_s
#define vswprintf_s dumpsim_vswprintf_s
#define _snwprintf_s dumpsim__snwprintf_s
#define _vsnwprintf_s dumpsim__vsnwprintf_s
#endif

WDK_EXTERN_C_BEGIN

// mingw-w64's <string.h>, where a source includes it first, has some of them in a DLL.
#if defined(__MINGW32__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wattributes"
#endif
errno_t memcpy_s(void* destination, size_t size, const void* source, size_t count);
errno_t memmove_s(void* destination, size_t size, const void* source, size_t count);
errno_t strcpy_s(char* destination, size_t size, const char* source);
errno_t strncpy_s(char* destination, size_t size, const char* source, size_t count);
errno_t strcat_s(char* destination, size_t size, const char* source);
errno_t strncat_s(char* destination, size_t size, const char* source, size_t count);
int sprintf_s(char* buffer, size_t size, const char* format, ...);
int vsprintf_s(char* buffer, size_t size, const char* format, va_list arguments);
int _snprintf_s(char* buffer, size_t size, size_t count, const char* format, ...);
int _vsnprintf_s(char* buffer, size_t size, size_t count, const char* format, va_list arguments);
errno_t wcscpy_s(wchar_t* destination, size_t size, const wchar_t* source);
errno_t wcsncpy_s(wchar_t* destination, size_t size, const wchar_t* source, size_t count);
errno_t wcscat_s(wchar_t* destination, size_t size, const wchar_t* source);
errno_t wcsncat_s(wchar_t* destination, size_t size, const wchar_t* source, size_t count);
int swprintf_s(wchar_t* buffer, size_t size, const wchar_t* format, ...);
int vswprintf_s(wchar_t* buffer, size_t size, const wchar_t* format, va_list arguments);
int _snwprintf_s(wchar_t* buffer, size_t size, size_t count, const wchar_t* format, ...);
int _vsnwprintf_s(wchar_t* buffer, size_t size, size_t count, const wchar_t* format, va_list arguments);
#if defined(__MINGW32__)
#pragma GCC diagnostic pop
#endif

WDK_EXTERN_C_END

#ifdef __cplusplus
extern "C++" {
#define WDK_SIZED_COPY(name, Unit)                                    \
  template <size_t Size>                                              \
  inline errno_t name(Unit(&destination)[Size], const Unit* source) { \
    return name(destination, Size, source);                           \
  }
#define WDK_SIZED_COPY_SOME(name, Unit)                                             \
  template <size_t Size>                                                            \
  inline errno_t name(Unit(&destination)[Size], const Unit* source, size_t count) { \
    return name(destination, Size, source, count);                                  \
  }
#define WDK_SIZED_PRINT(name, with_list, Unit)                     \
  template <size_t Size>                                           \
  inline int name(Unit(&buffer)[Size], const Unit* format, ...) {  \
    va_list arguments;                                             \
    va_start(arguments, format);                                   \
    const int length = with_list(buffer, Size, format, arguments); \
    va_end(arguments);                                             \
    return length;                                                 \
  }
#define WDK_SIZED_PRINT_SOME(name, with_list, Unit)                             \
  template <size_t Size>                                                        \
  inline int name(Unit(&buffer)[Size], size_t count, const Unit* format, ...) { \
    va_list arguments;                                                          \
    va_start(arguments, format);                                                \
    const int length = with_list(buffer, Size, count, format, arguments);       \
    va_end(arguments);                                                          \
    return length;                                                              \
  }
WDK_SIZED_COPY(strcpy_s, char)
WDK_SIZED_COPY(strcat_s, char)
WDK_SIZED_COPY(wcscpy_s, wchar_t)
WDK_SIZED_COPY(wcscat_s, wchar_t)
WDK_SIZED_COPY_SOME(strncpy_s, char)
WDK_SIZED_COPY_SOME(strncat_s, char)
WDK_SIZED_COPY_SOME(wcsncpy_s, wchar_t)
WDK_SIZED_COPY_SOME(wcsncat_s, wchar_t)
WDK_SIZED_PRINT(sprintf_s, vsprintf_s, char)
WDK_SIZED_PRINT(swprintf_s, vswprintf_s, wchar_t)
WDK_SIZED_PRINT_SOME(_snprintf_s, _vsnprintf_s, char)
WDK_SIZED_PRINT_SOME(_snwprintf_s, _vsnwprintf_s, wchar_t)
#undef WDK_SIZED_COPY
#undef WDK_SIZED_COPY_SOME
#undef WDK_SIZED_PRINT
#undef WDK_SIZED_PRINT_SOME
}  // extern "C++"
#endif

#endif  // WDK_DRIVER_BUILD

#endif  // WDK_DDI_CRT_SECURE_H
