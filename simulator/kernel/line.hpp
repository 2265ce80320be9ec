// SPDX-License-Identifier: Apache-2.0
// Text put together in a given buffer, without allocation and with little stack: kernel functions run on the driver's
// 24 KiB stack and may be left at any call, so they own nothing. What does not fit is cut.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

namespace dumpsim::kernel {

class Line {
 public:
  explicit Line(std::span<char> into) : into_(into) {}

  void put(std::string_view text) {
    const std::size_t count = text.size() < room() ? text.size() : room();
    if (count != 0) std::memcpy(into_.data() + size_, text.data(), count);
    size_ += count;
  }
  void put(char character) { put(std::string_view(&character, 1)); }
  void put_decimal(std::uint64_t value) {
    char digits[20];
    std::size_t at = sizeof digits;
    do digits[--at] = static_cast<char>('0' + value % 10);
    while ((value /= 10) != 0);
    put(std::string_view(digits + at, sizeof digits - at));
  }
  /// "0x1f", no leading zeros.
  void put_hex(std::uint64_t value) {
    char digits[18];
    std::size_t at = sizeof digits;
    do digits[--at] = "0123456789abcdef"[value % 16];
    while ((value /= 16) != 0);
    digits[--at] = 'x';
    digits[--at] = '0';
    put(std::string_view(digits + at, sizeof digits - at));
  }
  /// "+0x1f"; nothing for 0.
  void put_offset(std::uint64_t offset) {
    if (offset == 0) return;
    put('+');
    put_hex(offset);
  }
  /// A pool tag as its source spells it: 'roX '. Characters that cannot be shown are dots.
  void put_tag(std::uint32_t tag) {
    put('\'');
    for (int shift = 24; shift >= 0; shift -= 8) {
      const char character = static_cast<char>(tag >> shift);
      put(character >= 0x20 && character < 0x7F ? character : '.');
    }
    put('\'');
  }
  std::span<char> rest() const { return into_.subspan(size_); }
  void skip(std::size_t count) { size_ += count; }
  /// Forgets what was put behind the first `size` characters.
  void cut(std::size_t size) { size_ = size < size_ ? size : size_; }
  std::size_t room() const { return into_.size() - size_; }
  std::size_t size() const { return size_; }
  std::string_view text() const { return {into_.data(), size_}; }

 private:
  std::span<char> into_;
  std::size_t size_ = 0;
};

}  // namespace dumpsim::kernel
