// SPDX-License-Identifier: Apache-2.0
// Wide strings with 16-bit characters. The host's C library has 32-bit ones: a driver that bound to those would load
// and then miscount every string.
#include <cstring>

#include "kernel/crt.hpp"
#include "kernel/text.hpp"

namespace dumpsim::kernel {

std::size_t dumpsim_wcslen(const char16_t* text) {
  std::size_t length = 0;
  while (text[length] != 0) ++length;
  return length;
}
std::size_t dumpsim_wcsnlen(const char16_t* text, std::size_t limit) {
  std::size_t length = 0;
  while (length < limit && text[length] != 0) ++length;
  return length;
}
int dumpsim_wcscmp(const char16_t* a, const char16_t* b) {
  for (; *a == *b && *a != 0; ++a, ++b) {
  }
  return (*a > *b) - (*a < *b);
}
int dumpsim_wcsncmp(const char16_t* a, const char16_t* b, std::size_t count) {
  for (; count != 0; --count, ++a, ++b) {
    if (*a != *b || *a == 0) return *a - *b;
  }
  return 0;
}
char16_t* dumpsim_wcscpy(char16_t* destination, const char16_t* source) {
  std::memcpy(destination, source, (dumpsim_wcslen(source) + 1) * sizeof *source);
  return destination;
}
char16_t* dumpsim_wcsncpy(char16_t* destination, const char16_t* source, std::size_t count) {
  std::size_t i = 0;
  for (; i < count && source[i] != 0; ++i) destination[i] = source[i];
  for (; i < count; ++i) destination[i] = 0;
  return destination;
}
char16_t* dumpsim_wcscat(char16_t* destination, const char16_t* source) {
  dumpsim_wcscpy(destination + dumpsim_wcslen(destination), source);
  return destination;
}
char16_t* dumpsim_wcsncat(char16_t* destination, const char16_t* source, std::size_t count) {
  char16_t* end = destination + dumpsim_wcslen(destination);
  const std::size_t length = dumpsim_wcsnlen(source, count);
  std::memcpy(end, source, length * sizeof *source);
  end[length] = 0;
  return destination;
}
char16_t* dumpsim_wcschr(const char16_t* text, char16_t character) {
  for (;; ++text) {
    if (*text == character) return const_cast<char16_t*>(text);
    if (*text == 0) return nullptr;
  }
}
char16_t* dumpsim_wcsrchr(const char16_t* text, char16_t character) {
  const char16_t* found = nullptr;
  for (;; ++text) {
    if (*text == character) found = text;
    if (*text == 0) return const_cast<char16_t*>(found);
  }
}
char16_t* dumpsim_wcsstr(const char16_t* text, const char16_t* part) {
  const std::size_t length = dumpsim_wcslen(part);
  for (;; ++text) {
    if (dumpsim_wcsncmp(text, part, length) == 0) return const_cast<char16_t*>(text);
    if (*text == 0) return nullptr;
  }
}
std::size_t dumpsim_wcsspn(const char16_t* text, const char16_t* set) {
  std::size_t length = 0;
  while (text[length] != 0 && dumpsim_wcschr(set, text[length]) != nullptr) ++length;
  return length;
}
// The kernel's code page: units above 0xFF cannot be converted, which is (size_t)-1 [doc].
std::size_t dumpsim_wcstombs(char* destination, const char16_t* source, std::size_t count) {
  std::size_t i = 0;
  for (; (destination == nullptr || i < count) && source[i] != 0; ++i) {
    if (source[i] > 0xFF) return ~std::size_t{0};
    if (destination != nullptr) destination[i] = static_cast<char>(source[i]);
  }
  if (destination != nullptr && i < count) destination[i] = 0;
  return i;
}
std::size_t dumpsim_mbstowcs(char16_t* destination, const char* source, std::size_t count) {
  std::size_t i = 0;
  for (; (destination == nullptr || i < count) && source[i] != 0; ++i) {
    if (destination != nullptr) destination[i] = static_cast<unsigned char>(source[i]);
  }
  if (destination != nullptr && i < count) destination[i] = 0;
  return i;
}
char16_t dumpsim_towlower(char16_t character) {
  return downcase(character);
}
char16_t dumpsim_towupper(char16_t character) {
  return upcase(character);
}

std::uint32_t dumpsim_wcstoul(const char16_t* text, char16_t** end, int base) {
  const char16_t* at = text;
  while (*at == u' ' || (*at >= 9 && *at <= 13)) ++at;
  bool negative = false;
  if (*at == u'+' || *at == u'-') negative = *at++ == u'-';
  const auto digit = [](char16_t unit) {
    const char16_t folded = downcase(unit);
    if (folded >= u'0' && folded <= u'9') return folded - u'0';
    return folded >= u'a' && folded <= u'z' ? folded - u'a' + 10 : 99;
  };
  if ((base == 0 || base == 16) && at[0] == u'0' && (at[1] == u'x' || at[1] == u'X') && digit(at[2]) < 16) {
    at += 2;
    base = 16;
  }
  if (base == 0) base = *at == u'0' ? 8 : 10;
  std::uint64_t value = 0;
  bool overflow = false;
  const char16_t* const first = at;
  for (; base >= 2 && base <= 36 && digit(*at) < base; ++at) {
    value = value * static_cast<unsigned>(base) + static_cast<unsigned>(digit(*at));
    overflow = overflow || value > 0xFFFFFFFF;
    if (overflow) value = 0xFFFFFFFF;
  }
  if (end != nullptr) *end = const_cast<char16_t*>(at == first ? text : at);
  if (overflow) return 0xFFFFFFFF;
  return static_cast<std::uint32_t>(negative ? 0 - value : value);
}
char16_t* dumpsim_wmemcpy(char16_t* destination, const char16_t* source, std::size_t count) {
  if (count != 0) std::memmove(destination, source, count * sizeof *source);
  return destination;
}
char16_t* dumpsim_wmemset(char16_t* destination, char16_t value, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) destination[i] = value;
  return destination;
}
int dumpsim_wmemcmp(const char16_t* a, const char16_t* b, std::size_t count) {
  for (; count != 0; --count, ++a, ++b) {
    if (*a != *b) return *a < *b ? -1 : 1;
  }
  return 0;
}
int dumpsim__wcsicmp(const char16_t* a, const char16_t* b) {
  for (; downcase(*a) == downcase(*b) && *a != 0; ++a, ++b) {
  }
  return downcase(*a) - downcase(*b);
}
int dumpsim__wcsnicmp(const char16_t* a, const char16_t* b, std::size_t count) {
  for (; count != 0; --count, ++a, ++b) {
    if (downcase(*a) != downcase(*b) || *a == 0) return downcase(*a) - downcase(*b);
  }
  return 0;
}
char16_t* dumpsim__wcslwr(char16_t* text) {
  for (char16_t* at = text; *at != 0; ++at) *at = downcase(*at);
  return text;
}
char16_t* dumpsim__wcsupr(char16_t* text) {
  for (char16_t* at = text; *at != 0; ++at) *at = upcase(*at);
  return text;
}

}  // namespace dumpsim::kernel
