// SPDX-License-Identifier: Apache-2.0
// The functions of the C library with a buffer's size, narrow and wide from one template each. [doc] for what they
// return and what they leave in the buffer; that nothing but the returned error tells of a wrong call is [assumed]: in
// a process there is a handler, which by default ends it, and a kernel has none.
#include <algorithm>
#include <cstring>

#include "kernel/crt.hpp"

namespace dumpsim::kernel {
namespace {

constexpr int invalid = 22;    // EINVAL
constexpr int too_small = 34;  // ERANGE
constexpr int truncated = 80;  // STRUNCATE
constexpr std::size_t truncate = ~std::size_t{0};
constexpr std::size_t whole = truncate - 1;  // a source of any length

template <class Unit>
std::size_t length_of(const Unit* text, std::size_t limit) {
  std::size_t length = 0;
  while (length < limit && text[length] != 0) ++length;
  return length;
}

/// At most `count` units of `source` behind the first `used` of a buffer of `size`. All the count or the source's end,
/// or nothing at all but for `truncate`, which takes what fits. REQUIRES: used < size.
template <class Unit>
int append(Unit* buffer, std::size_t size, std::size_t used, const Unit* source, std::size_t count) {
  const std::size_t room = size - used - 1;
  // No further than the room is read, or the count: what lies behind may not be there.
  const std::size_t length = length_of(source, count > room ? room + 1 : count);
  if (length > room && count != truncate) {
    *buffer = 0;
    return too_small;
  }
  const std::size_t copied = std::min(length, room);
  std::memmove(buffer + used, source, copied * sizeof(Unit));
  buffer[used + copied] = 0;
  return length > room ? truncated : 0;
}

template <class Unit>
int copy(Unit* buffer, std::size_t size, const Unit* source) {
  if (buffer == nullptr || size == 0) return invalid;
  if (source == nullptr) {
    *buffer = 0;
    return invalid;
  }
  return append(buffer, size, 0, source, whole);
}

template <class Unit>
int copy_some(Unit* buffer, std::size_t size, const Unit* source, std::size_t count) {
  if (buffer == nullptr && size == 0 && count == 0) return 0;
  if (buffer == nullptr || size == 0) return invalid;
  if (count == 0 || source == nullptr) {
    *buffer = 0;
    return count == 0 ? 0 : invalid;
  }
  return append(buffer, size, 0, source, count);
}

template <class Unit>
int concatenate_some(Unit* buffer, std::size_t size, const Unit* source, std::size_t count) {
  if (buffer == nullptr && size == 0 && count == 0) return 0;
  if (buffer == nullptr || size == 0) return invalid;
  const std::size_t used = length_of(buffer, size);
  if (used == size || (source == nullptr && count != 0)) {
    *buffer = 0;
    return invalid;
  }
  return count == 0 ? 0 : append(buffer, size, used, source, count);
}

template <class Unit>
int concatenate(Unit* buffer, std::size_t size, const Unit* source) {
  return concatenate_some(buffer, size, source, whole);
}

}  // namespace

int memcpy_s(void* destination, std::size_t size, const void* source, std::size_t count) {
  if (count == 0) return 0;
  if (destination == nullptr) return invalid;
  if (source == nullptr || size < count) {
    std::memset(destination, 0, size);
    return source == nullptr ? invalid : too_small;
  }
  std::memmove(destination, source, count);
  return 0;
}
int memmove_s(void* destination, std::size_t size, const void* source, std::size_t count) {
  if (count == 0) return 0;
  if (destination == nullptr || source == nullptr) return invalid;
  if (size < count) return too_small;  // and nothing is wiped, other than in memcpy_s [doc]
  std::memmove(destination, source, count);
  return 0;
}
int strcpy_s(char* destination, std::size_t size, const char* source) {
  return copy(destination, size, source);
}
int strncpy_s(char* destination, std::size_t size, const char* source, std::size_t count) {
  return copy_some(destination, size, source, count);
}
int strcat_s(char* destination, std::size_t size, const char* source) {
  return concatenate(destination, size, source);
}
int strncat_s(char* destination, std::size_t size, const char* source, std::size_t count) {
  return concatenate_some(destination, size, source, count);
}
int dumpsim_wcscpy_s(char16_t* destination, std::size_t size, const char16_t* source) {
  return copy(destination, size, source);
}
int dumpsim_wcsncpy_s(char16_t* destination, std::size_t size, const char16_t* source, std::size_t count) {
  return copy_some(destination, size, source, count);
}
int dumpsim_wcscat_s(char16_t* destination, std::size_t size, const char16_t* source) {
  return concatenate(destination, size, source);
}
int dumpsim_wcsncat_s(char16_t* destination, std::size_t size, const char16_t* source, std::size_t count) {
  return concatenate_some(destination, size, source, count);
}

}  // namespace dumpsim::kernel
