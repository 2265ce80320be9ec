// SPDX-License-Identifier: Apache-2.0
// The C library's functions that ntoskrnl exports, declared by hand: the host's own prototypes differ (noexcept,
// overloads, a 32-bit wchar_t). Wide ones carry the prefix that include/wdk/ddi/crt.h renames them to.
#pragma once

#include <cstdarg>
#include <cstddef>
#include <cstdint>

namespace dumpsim::kernel {

// crt_string.cpp
void* memcpy(void* destination, const void* source, std::size_t count);
void* memmove(void* destination, const void* source, std::size_t count);
void* memset(void* destination, int value, std::size_t count);
int memcmp(const void* a, const void* b, std::size_t count);
void* memchr(const void* buffer, int value, std::size_t count);
std::size_t strlen(const char* text);
std::size_t strnlen(const char* text, std::size_t limit);
int strcmp(const char* a, const char* b);
int strncmp(const char* a, const char* b, std::size_t count);
char* strcpy(char* destination, const char* source);
char* strncpy(char* destination, const char* source, std::size_t count);
char* strcat(char* destination, const char* source);
char* strncat(char* destination, const char* source, std::size_t count);
char* strchr(const char* text, int character);
char* strrchr(const char* text, int character);
char* strstr(const char* text, const char* part);
int _stricmp(const char* a, const char* b);
int _strnicmp(const char* a, const char* b, std::size_t count);
int tolower(int character);
int toupper(int character);

// crt_wide.cpp
std::size_t dumpsim_wcslen(const char16_t* text);
std::size_t dumpsim_wcsnlen(const char16_t* text, std::size_t limit);
int dumpsim_wcscmp(const char16_t* a, const char16_t* b);
int dumpsim_wcsncmp(const char16_t* a, const char16_t* b, std::size_t count);
char16_t* dumpsim_wcscpy(char16_t* destination, const char16_t* source);
char16_t* dumpsim_wcsncpy(char16_t* destination, const char16_t* source, std::size_t count);
char16_t* dumpsim_wcscat(char16_t* destination, const char16_t* source);
char16_t* dumpsim_wcsncat(char16_t* destination, const char16_t* source, std::size_t count);
char16_t* dumpsim_wcschr(const char16_t* text, char16_t character);
char16_t* dumpsim_wcsrchr(const char16_t* text, char16_t character);
char16_t* dumpsim_wcsstr(const char16_t* text, const char16_t* part);
std::size_t dumpsim_wcsspn(const char16_t* text, const char16_t* set);
std::size_t dumpsim_wcstombs(char* destination, const char16_t* source, std::size_t count);
std::size_t dumpsim_mbstowcs(char16_t* destination, const char* source, std::size_t count);
char16_t dumpsim_towlower(char16_t character);
char16_t dumpsim_towupper(char16_t character);
std::uint32_t dumpsim_wcstoul(const char16_t* text, char16_t** end, int base);
char16_t* dumpsim_wmemcpy(char16_t* destination, const char16_t* source, std::size_t count);
char16_t* dumpsim_wmemset(char16_t* destination, char16_t value, std::size_t count);
int dumpsim_wmemcmp(const char16_t* a, const char16_t* b, std::size_t count);
int dumpsim__wcsicmp(const char16_t* a, const char16_t* b);
int dumpsim__wcsnicmp(const char16_t* a, const char16_t* b, std::size_t count);
char16_t* dumpsim__wcslwr(char16_t* text);
char16_t* dumpsim__wcsupr(char16_t* text);

// crt_secure.cpp
int memcpy_s(void* destination, std::size_t size, const void* source, std::size_t count);
int memmove_s(void* destination, std::size_t size, const void* source, std::size_t count);
int strcpy_s(char* destination, std::size_t size, const char* source);
int strncpy_s(char* destination, std::size_t size, const char* source, std::size_t count);
int strcat_s(char* destination, std::size_t size, const char* source);
int strncat_s(char* destination, std::size_t size, const char* source, std::size_t count);
int dumpsim_wcscpy_s(char16_t* destination, std::size_t size, const char16_t* source);
int dumpsim_wcsncpy_s(char16_t* destination, std::size_t size, const char16_t* source, std::size_t count);
int dumpsim_wcscat_s(char16_t* destination, std::size_t size, const char16_t* source);
int dumpsim_wcsncat_s(char16_t* destination, std::size_t size, const char16_t* source, std::size_t count);

// crt_print.cpp, crt_print_secure.cpp; only their entries exist (variadic.hpp)
int _snprintf(char* buffer, std::size_t count, const char* format, ...);
int _vsnprintf(char* buffer, std::size_t count, const char* format, std::va_list arguments);
int dumpsim__snwprintf(char16_t* buffer, std::size_t count, const char16_t* format, ...);
int dumpsim__vsnwprintf(char16_t* buffer, std::size_t count, const char16_t* format, std::va_list arguments);
int dumpsim_swprintf(char16_t* buffer, const char16_t* format, ...);
int sprintf_s(char* buffer, std::size_t size, const char* format, ...);
int vsprintf_s(char* buffer, std::size_t size, const char* format, std::va_list arguments);
int _snprintf_s(char* buffer, std::size_t size, std::size_t count, const char* format, ...);
int _vsnprintf_s(char* buffer, std::size_t size, std::size_t count, const char* format, std::va_list arguments);
int dumpsim_swprintf_s(char16_t* buffer, std::size_t size, const char16_t* format, ...);
int dumpsim_vswprintf_s(char16_t* buffer, std::size_t size, const char16_t* format, std::va_list arguments);
int dumpsim__snwprintf_s(char16_t* buffer, std::size_t size, std::size_t count, const char16_t* format, ...);
int dumpsim__vsnwprintf_s(char16_t* buffer, std::size_t size, std::size_t count, const char16_t* format,
                          std::va_list arguments);

}  // namespace dumpsim::kernel
