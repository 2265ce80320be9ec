/* SPDX-License-Identifier: Apache-2.0
 * The handful of C library functions that compilers call unasked (memcpy for a structure assignment) and that driver
 * sources take for granted, linked into each filter, hidden: a filter must not depend on the host's C library, whose
 * functions have the other convention for half of all filters. Built once per convention, as libdumpsim_crt.a and
 * libdumpsim_ms_crt.a; nothing here may call another library function, not even by the compiler's own idea. */
#include <stddef.h>
#include <stdint.h>

/* Unaligned loads and stores, which the compiler turns into single moves. */
typedef struct {
  uint64_t word;
} __attribute__((packed, may_alias)) Word;
typedef long long Block __attribute__((vector_size(16), aligned(1), may_alias));

/* From here on the processor's own copy is as fast as anything, and it needs no tuning. */
enum { rep_from = 512 };

/* Forward, each piece read before it is written: right also where the target begins before the source inside it. */
static void* copy_forward(void* to, const void* from, size_t count) {
  unsigned char* target = to;
  const unsigned char* source = from;
  if (count >= rep_from) {
    __asm__ volatile("rep movsb" : "+D"(target), "+S"(source), "+c"(count) : : "memory");
    return to;
  }
  for (; count >= 16; count -= 16, target += 16, source += 16) *(Block*)target = *(const Block*)source;
  if (count >= 8) {
    ((Word*)target)->word = ((const Word*)source)->word;
    target += 8, source += 8, count -= 8;
  }
  for (; count != 0; --count) *target++ = *source++;
  return to;
}

void* memcpy(void* restrict to, const void* restrict from, size_t count) {
  return copy_forward(to, from, count);
}

void* memmove(void* to, const void* from, size_t count) {
  unsigned char* target = to;
  const unsigned char* source = from;
  if ((uintptr_t)target - (uintptr_t)source >= count) return copy_forward(to, from, count);
  /* The target begins inside the source: from the end, so that nothing is overwritten before it was read. */
  target += count, source += count;
  while (count >= 16) {
    target -= 16, source -= 16, count -= 16;
    const Block block = *(const Block*)source;
    *(Block*)target = block;
  }
  for (; count != 0; --count) *--target = *--source;
  return to;
}

void* memset(void* to, int value, size_t count) {
  unsigned char* target = to;
  if (count >= rep_from) {
    __asm__ volatile("rep stosb" : "+D"(target), "+c"(count) : "a"(value) : "memory");
    return to;
  }
  const uint64_t word = 0x0101010101010101u * (unsigned char)value;
  for (; count >= 8; count -= 8, target += 8) ((Word*)target)->word = word;
  for (; count != 0; --count) *target++ = (unsigned char)value;
  return to;
}

int memcmp(const void* a, const void* b, size_t count) {
  const unsigned char* left = a;
  const unsigned char* right = b;
  for (; count >= 8 && ((const Word*)left)->word == ((const Word*)right)->word; count -= 8) left += 8, right += 8;
  for (; count != 0; --count, ++left, ++right) {
    if (*left != *right) return *left < *right ? -1 : 1;
  }
  return 0;
}

/* What clang makes of a memcmp that is compared with zero. */
int bcmp(const void* a, const void* b, size_t count) {
  return memcmp(a, b, count);
}

void* memchr(const void* buffer, int value, size_t count) {
  for (const unsigned char* at = buffer; count != 0; --count, ++at) {
    if (*at == (unsigned char)value) return (void*)(uintptr_t)at;
  }
  return NULL;
}

size_t strlen(const char* text) {
  const char* at = text;
  while (*at != 0) ++at;
  return (size_t)(at - text);
}

size_t strnlen(const char* text, size_t limit) {
  size_t length = 0;
  while (length < limit && text[length] != 0) ++length;
  return length;
}

int strncmp(const char* a, const char* b, size_t count) {
  for (; count != 0; --count, ++a, ++b) {
    const unsigned char left = (unsigned char)*a;
    const unsigned char right = (unsigned char)*b;
    if (left != right) return left < right ? -1 : 1;
    if (left == 0) return 0;
  }
  return 0;
}

int strcmp(const char* a, const char* b) {
  return strncmp(a, b, SIZE_MAX);
}

char* strcpy(char* restrict to, const char* restrict from) {
  memcpy(to, from, strlen(from) + 1);
  return to;
}

char* strncpy(char* restrict to, const char* restrict from, size_t count) {
  const size_t length = strnlen(from, count);
  memcpy(to, from, length);
  memset(to + length, 0, count - length);
  return to;
}

char* strcat(char* restrict to, const char* restrict from) {
  strcpy(to + strlen(to), from);
  return to;
}

char* strncat(char* restrict to, const char* restrict from, size_t count) {
  char* const end = to + strlen(to);
  const size_t length = strnlen(from, count);
  memcpy(end, from, length);
  end[length] = 0;
  return to;
}

char* strchr(const char* text, int character) {
  for (;; ++text) {
    if (*text == (char)character) return (char*)(uintptr_t)text;
    if (*text == 0) return NULL;
  }
}

char* strrchr(const char* text, int character) {
  const char* found = NULL;
  for (;; ++text) {
    if (*text == (char)character) found = text;
    if (*text == 0) return (char*)(uintptr_t)found;
  }
}

char* strstr(const char* text, const char* part) {
  const size_t length = strlen(part);
  for (;; ++text) {
    if (strncmp(text, part, length) == 0) return (char*)(uintptr_t)text;
    if (*text == 0) return NULL;
  }
}

int toupper(int character) {
  return character >= 'a' && character <= 'z' ? character - ('a' - 'A') : character;
}

int tolower(int character) {
  return character >= 'A' && character <= 'Z' ? character + ('a' - 'A') : character;
}
