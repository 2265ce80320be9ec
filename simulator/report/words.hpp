// SPDX-License-Identifier: Apache-2.0
// What the texts for people have in common.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "base/text.hpp"
#include "engine/code_places.hpp"
#include "engine/run.hpp"
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

}  // namespace dumpsim::report
