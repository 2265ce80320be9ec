// SPDX-License-Identifier: Apache-2.0
// A strict UTF-8 decoder (no overlong forms, no surrogates) and the two ways in which untrusted text is shown.
#include "trace/utf8.hpp"

#include <cstdint>
#include <cstdio>

namespace dumpsim::trace {

namespace {

constexpr std::string_view replacement = "\xef\xbf\xbd";

struct Character {
  std::uint32_t code = 0;
  std::size_t bytes = 0;  // 0: not valid here
};

Character decode(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return {first, 1};
  std::size_t bytes = 0;
  std::uint32_t code = 0;
  std::uint32_t least = 0;
  if ((first & 0xe0) == 0xc0) {
    bytes = 2, code = first & 0x1fu, least = 0x80;
  } else if ((first & 0xf0) == 0xe0) {
    bytes = 3, code = first & 0x0fu, least = 0x800;
  } else if ((first & 0xf8) == 0xf0) {
    bytes = 4, code = first & 0x07u, least = 0x10000;
  } else {
    return {};
  }
  if (text.size() < bytes) return {};
  for (std::size_t i = 1; i < bytes; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return {};
    code = (code << 6) | (byte(i) & 0x3fu);
  }
  if (code < least || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return {};
  return {code, bytes};
}

bool steers_the_terminal(std::uint32_t code) {
  return code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0x2028 || code == 0x2029 ||
         (code >= 0x200e && code <= 0x200f) || (code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
}

std::string shown(std::string_view text, bool escape) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const Character character = decode(text);
    if (character.bytes == 0) {
      out += replacement;
      text.remove_prefix(1);
      continue;
    }
    const std::string_view shorthand = character.code == '\n'   ? "\\n"
                                       : character.code == '\r' ? "\\r"
                                       : character.code == '\t' ? "\\t"
                                                                : "";
    if (escape && !shorthand.empty()) {
      out += shorthand;
    } else if (escape && steers_the_terminal(character.code)) {
      char code[16];
      std::snprintf(code, sizeof code, character.code < 0x100 ? "\\x%02x" : "\\u{%x}", character.code);
      out += code;
    } else {
      out += text.substr(0, character.bytes);
    }
    text.remove_prefix(character.bytes);
  }
  return out;
}

}  // namespace

std::string printable(std::string_view text) {
  return shown(text, true);
}
std::string valid_utf8(std::string_view text) {
  return shown(text, false);
}

}  // namespace dumpsim::trace
