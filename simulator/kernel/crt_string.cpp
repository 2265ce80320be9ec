// SPDX-License-Identifier: Apache-2.0
// Memory and narrow strings for images that link against nothing else: compilers call memcpy and its kin unasked. A
// driver may give any address with a count of zero; the C library may not be given that.
#include <cstring>

#include "kernel/crt.hpp"

namespace dumpsim::kernel {
namespace {

// Not the host's locale: ASCII only, as the kernel's tables outside code pages.
unsigned char fold(char character) {
  const auto byte = static_cast<unsigned char>(character);
  return byte >= 'A' && byte <= 'Z' ? static_cast<unsigned char>(byte + 0x20) : byte;
}

}  // namespace

void* memcpy(void* destination, const void* source, std::size_t count) {
  // Drivers overlap them and get away with it: memcpy is memmove in ntoskrnl [seen: Windows 7].
  return kernel::memmove(destination, source, count);
}
void* memmove(void* destination, const void* source, std::size_t count) {
  return count == 0 ? destination : std::memmove(destination, source, count);
}
void* memset(void* destination, int value, std::size_t count) {
  return count == 0 ? destination : std::memset(destination, value, count);
}
int memcmp(const void* a, const void* b, std::size_t count) {
  return count == 0 ? 0 : std::memcmp(a, b, count);
}
void* memchr(const void* buffer, int value, std::size_t count) {
  return count == 0 ? nullptr : const_cast<void*>(std::memchr(buffer, value, count));
}
std::size_t strlen(const char* text) {
  return std::strlen(text);
}
std::size_t strnlen(const char* text, std::size_t limit) {
  const void* end = limit == 0 ? nullptr : std::memchr(text, 0, limit);
  return end == nullptr ? limit : static_cast<std::size_t>(static_cast<const char*>(end) - text);
}
int strcmp(const char* a, const char* b) {
  return std::strcmp(a, b);
}
int strncmp(const char* a, const char* b, std::size_t count) {
  return std::strncmp(a, b, count);
}
char* strcpy(char* destination, const char* source) {
  std::memcpy(destination, source, std::strlen(source) + 1);
  return destination;
}
char* strncpy(char* destination, const char* source, std::size_t count) {
  std::size_t i = 0;
  for (; i < count && source[i] != 0; ++i) destination[i] = source[i];
  for (; i < count; ++i) destination[i] = 0;
  return destination;
}
char* strcat(char* destination, const char* source) {
  kernel::strcpy(destination + std::strlen(destination), source);
  return destination;
}
char* strncat(char* destination, const char* source, std::size_t count) {
  char* end = destination + std::strlen(destination);
  const std::size_t length = kernel::strnlen(source, count);
  std::memcpy(end, source, length);
  end[length] = 0;
  return destination;
}
char* strchr(const char* text, int character) {
  return const_cast<char*>(std::strchr(text, character));
}
char* strrchr(const char* text, int character) {
  return const_cast<char*>(std::strrchr(text, character));
}
char* strstr(const char* text, const char* part) {
  return const_cast<char*>(std::strstr(text, part));
}
int _stricmp(const char* a, const char* b) {
  for (; fold(*a) == fold(*b) && *a != 0; ++a, ++b) {
  }
  return fold(*a) - fold(*b);
}
int _strnicmp(const char* a, const char* b, std::size_t count) {
  for (; count != 0; --count, ++a, ++b) {
    if (fold(*a) != fold(*b) || *a == 0) return fold(*a) - fold(*b);
  }
  return 0;
}
int tolower(int character) {
  return character >= 'A' && character <= 'Z' ? character + 0x20 : character;
}
int toupper(int character) {
  return character >= 'a' && character <= 'z' ? character - 0x20 : character;
}

}  // namespace dumpsim::kernel
