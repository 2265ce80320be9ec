// SPDX-License-Identifier: Apache-2.0
// What the texts for people have in common.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/text.hpp"
#include "engine/code_places.hpp"
#include "engine/run.hpp"
#include "trace/changed_bytes.hpp"
#include "trace/rules.hpp"

namespace dumpsim::report {

/// Colours for a terminal, or none.
class Paint {
 public:
  explicit Paint(bool colour) : colour_(colour) {}
  std::string bold(std::string_view text) const { return wrap("1", text); }
  std::string good(std::string_view text) const { return wrap("1;32", text); }
  std::string bad(std::string_view text) const { return wrap("1;31", text); }
  std::string warn(std::string_view text) const { return wrap("33", text); }
  std::string faint(std::string_view text) const { return wrap("2", text); }
  std::string severity(trace::Severity severity, std::string_view text) const {
    return severity == trace::Severity::error     ? bad(text)
           : severity == trace::Severity::warning ? warn(text)
                                                  : std::string(text);
  }

 private:
  std::string wrap(const char* code, std::string_view text) const {
    return colour_ ? fmt::format("\x1b[{}m{}\x1b[0m", code, text) : std::string(text);
  }
  bool colour_;
};

inline std::string plural(std::uint64_t count, std::string_view one) {
  return fmt::format("{} {}{}", with_thousands(count), one, count == 1 ? "" : "s");
}

/// "filters/xor/xor.c:45, in OnWrite", or what of it is known.
inline std::string place_of(const engine::Finding& finding) {
  std::string place = engine::shown_source(finding.source);
  if (!place.empty() && finding.line != 0) place += fmt::format(":{}", finding.line);
  if (!finding.function.empty()) place += fmt::format("{}{}", place.empty() ? "" : ", in ", finding.function);
  return place;
}

/// ", 17 times, first in call 3: 64 KiB at 0xe000", or what of it says more than the rest of its line.
inline std::string times_of(const engine::Finding& finding) {
  std::string words;
  if (finding.count > 1) words += fmt::format(", {} times", with_thousands(finding.count));
  if (finding.call != 0 && (finding.call > 1 || finding.length != 0))
    words += fmt::format(", {}call {}", finding.count > 1 ? "first in " : "", with_thousands(finding.call));
  if (finding.call != 0 && finding.length != 0)
    words += fmt::format(": {} at {:#x}", format_size(finding.length), finding.offset);
  return words;
}

/// Lines with the bytes before and after, in hex and as text; none when there are none.
inline std::vector<std::string> rows_of(const trace::ChangedBytes& bytes) {
  if (bytes.empty()) return {};
  const trace::HeldWords words = trace::words_of(bytes.held);
  const std::size_t width = std::max(words.before.size(), words.after.size());
  const auto row = [&](std::string_view name, const auto& held) {
    const auto shown = std::span(held).first(bytes.length);
    std::string text;
    for (const std::byte each : shown) {
      const auto c = std::to_integer<char>(each);
      text += c >= ' ' && c <= '~' ? c : '.';
    }
    return fmt::format("  {:<{}}  {:<{}}  {}", name, width, trace::spaced_hex(shown), 3 * trace::ChangedBytes::most - 1,
                       text);
  };
  return {fmt::format("from {} on", trace::place_in_words(bytes)), row(words.before, bytes.before),
          row(words.after, bytes.after)};
}

}  // namespace dumpsim::report
