// SPDX-License-Identifier: Apache-2.0
// Text in a trace comes from drivers and, to the parent, from untrusted memory. It is cut at character boundaries when
// written and made printable when shown, so that no filter can send control sequences to a terminal or break a line of
// JSON.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace dumpsim::trace {

/// The longest prefix of at most `bytes` bytes that does not end inside a character (of text that is no UTF-8: at most
/// three bytes shorter).
constexpr std::string_view utf8_prefix(std::string_view text, std::size_t bytes) {
  if (text.size() <= bytes) return text;
  std::size_t end = bytes;
  while (end > 0 && bytes - end < 3 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return text.substr(0, end);
}

/// Valid UTF-8 in one line: bytes that are none become U+FFFD, controls (C0, DEL, C1, the line and paragraph
/// separators and the bidirectional overrides) become \n, \r, \t, \xNN or \u{NNNN}; a backslash stays as it is.
std::string printable(std::string_view text);

/// Valid UTF-8 that keeps controls: for JSON, whose strings escape them.
std::string valid_utf8(std::string_view text);

}  // namespace dumpsim::trace
