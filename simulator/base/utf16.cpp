// SPDX-License-Identifier: Apache-2.0
// Conversions without the C library's locale, whose state differs from host to host and would end up in traces.
#include "base/utf16.hpp"

#include <algorithm>

namespace dumpsim {

std::size_t put_utf8(char32_t point, char* into, std::size_t room) {
  const auto tail = [&](unsigned shift) { return static_cast<char>(0x80 | ((point >> shift) & 0x3F)); };
  if (point < 0x80) {
    if (room < 1) return 0;
    into[0] = static_cast<char>(point);
    return 1;
  }
  if (point < 0x800) {
    if (room < 2) return 0;
    into[0] = static_cast<char>(0xC0 | (point >> 6));
    into[1] = tail(0);
    return 2;
  }
  if (point < 0x10000) {
    if (room < 3) return 0;
    if (point >= 0xD800 && point < 0xE000) point = 0xFFFD;
    into[0] = static_cast<char>(0xE0 | (point >> 12));
    into[1] = tail(6);
    into[2] = tail(0);
    return 3;
  }
  if (room < 4) return 0;
  into[0] = static_cast<char>(0xF0 | ((point >> 18) & 7));
  into[1] = tail(12);
  into[2] = tail(6);
  into[3] = tail(0);
  return 4;
}

std::string to_utf8(std::u16string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    char32_t point = text[i];
    if (point >= 0xD800 && point < 0xDC00 && i + 1 < text.size() && text[i + 1] >= 0xDC00 && text[i + 1] < 0xE000) {
      point = 0x10000 + ((point - 0xD800) << 10) + (text[++i] - 0xDC00);
    }
    char bytes[4];
    out.append(bytes, put_utf8(point, bytes, sizeof bytes));
  }
  return out;
}

std::u16string to_utf16(std::string_view text) {
  std::u16string out;
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const std::size_t length = lead < 0x80                   ? 1
                               : lead >= 0xC2 && lead < 0xE0 ? 2
                               : lead >= 0xE0 && lead < 0xF0 ? 3
                               : lead >= 0xF0 && lead < 0xF5 ? 4
                                                             : 0;
    char32_t point = length < 2 ? lead : lead & (0x7Fu >> length);
    bool valid = length != 0 && i + length <= text.size();
    for (std::size_t k = 1; valid && k < length; ++k) {
      const auto byte = static_cast<unsigned char>(text[i + k]);
      valid = (byte & 0xC0) == 0x80;
      point = (point << 6) | (byte & 0x3F);
    }
    constexpr char32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    if (!valid || point < least[length] || point > 0x10FFFF || (point >= 0xD800 && point < 0xE000)) {
      out.push_back(u'\xFFFD');
      ++i;
      continue;
    }
    i += length;
    if (point < 0x10000) {
      out.push_back(static_cast<char16_t>(point));
    } else {
      out.push_back(static_cast<char16_t>(0xD800 + ((point - 0x10000) >> 10)));
      out.push_back(static_cast<char16_t>(0xDC00 + ((point - 0x10000) & 0x3FF)));
    }
  }
  return out;
}

bool is_file_name(std::u16string_view name) {
  constexpr std::size_t longest = 255;
  if (name.empty() || name.size() > longest || name == u"." || name == u"..") return false;
  return std::all_of(name.begin(), name.end(), [](char16_t unit) {
    return unit >= 0x20 && std::u16string_view(u"\"*/:<>?\\|").find(unit) == std::u16string_view::npos;
  });
}

}  // namespace dumpsim
