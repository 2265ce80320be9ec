// SPDX-License-Identifier: Apache-2.0
#include "toolchain/diagnostics.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

namespace dumpsim::toolchain {
namespace {

/// What stands between `before` and `after`; `after` empty takes the rest.
std::optional<std::string_view> between(std::string_view line, std::string_view before, std::string_view after) {
  const std::size_t begin = line.find(before);
  if (begin == std::string_view::npos) return std::nullopt;
  const std::string_view rest = line.substr(begin + before.size());
  if (after.empty()) return rest;
  const std::size_t end = rest.find(after);
  if (end == std::string_view::npos) return std::nullopt;
  return rest.substr(0, end);
}

/// "driver.c:12:5: error: …" is at "driver.c:12"; "/usr/bin/ld: a.o: in function" at "a.o".
std::string place_of(std::string_view line) {
  const std::size_t error = std::min({line.find(" error:"), line.find(" fatal error:"),
                                      line.find(" undefined reference"), line.find(" warning:"), line.size()});
  std::string_view place = line.substr(0, error);
  while (place.ends_with(':')) place.remove_suffix(1);
  // The linker's own name stands before.
  if (const std::size_t tool = place.find("ld: "); tool != std::string_view::npos) place.remove_prefix(tool + 4);
  if (const std::size_t section = place.find(":("); section != std::string_view::npos) place = place.substr(0, section);
  // An object before the source: "a.obj:/folder/a.c:12".
  if (const std::size_t object = place.find(".o:"); object != std::string_view::npos) place.remove_prefix(object + 3);
  if (const std::size_t object = place.find(".obj:"); object != std::string_view::npos) place.remove_prefix(object + 5);
  // A column behind the line.
  const std::size_t last = place.rfind(':');
  if (last != std::string_view::npos && last != 0) {
    const std::size_t before = place.rfind(':', last - 1);
    const auto number = [](std::string_view text) {
      return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
    };
    if (before != std::string_view::npos && number(place.substr(last + 1)) &&
        number(place.substr(before + 1, last - before - 1))) {
      place = place.substr(0, last);
    }
  }
  return std::string(place);
}

using Kind = MissingName::Kind;

struct Pattern {
  Kind kind;
  std::string_view before, after;
};

// Quotes are plain, since the tools run with LC_ALL=C. Clang and GCC use ', GNU ld ` and '.
constexpr std::array<Pattern, 15> patterns = {{
    {Kind::reference, "undefined reference to `", "'"},
    {Kind::reference, "error: undefined symbol: ", ""},
    {Kind::undeclared, "implicit declaration of function '", "'"},
    {Kind::undeclared, "call to undeclared function '", "'"},
    {Kind::undeclared, "use of undeclared identifier '", "'"},
    {Kind::undeclared, "unknown type name '", "'"},
    {Kind::undeclared, "error: '", "' undeclared"},
    {Kind::undeclared, "error: '", "' was not declared"},
    {Kind::undeclared, "error: '", "' does not name a type"},
    {Kind::undeclared, "error: '", "' has not been declared"},
    {Kind::undeclared, "error: no type named '", "'"},
    {Kind::undeclared, "variable has incomplete type 'struct ", "'"},
    {Kind::header, "fatal error: '", "' file not found"},
    {Kind::header, "fatal error: ", ": No such file or directory"},
    {Kind::header, "error: '", "' file not found"},
}};

class Reading {
 public:
  std::vector<MissingName> take(std::string_view said) {
    while (!said.empty()) {
      const std::size_t end = said.find('\n');
      line(said.substr(0, end));
      said.remove_prefix(end == std::string_view::npos ? said.size() : end + 1);
    }
    return std::move(found_);
  }

 private:
  void line(std::string_view text) {
    while (text.ends_with('\r')) text.remove_suffix(1);
    // "a.c: In function 'Write':", "a.o: in function `Write':", and the other scopes of a C++ compiler.
    for (const auto& [before, after] : {std::pair<std::string_view, std::string_view>{": In function '", "':"},
                                        {": In member function '", "':"},
                                        {": in function `", "':"}}) {
      if (const auto name = between(text, before, after)) {
        function_ = *name;
        function_ = function_.substr(0, function_.find('('));
      }
    }
    if (text.find(": At top level:") != std::string_view::npos) function_.clear();
    if (text.starts_with(">>> ")) {
      referenced(text.substr(4));
      return;
    }
    lld_ = nullptr;
    for (const Pattern& pattern : patterns) {
      const auto name = between(text, pattern.before, pattern.after);
      if (!name || name->empty()) continue;
      add(pattern.kind, *name, text);
      return;
    }
  }

  void add(Kind kind, std::string_view name, std::string_view text) {
    const bool lld = text.find("undefined symbol: ") != std::string_view::npos;
    const auto same = std::find_if(found_.begin(), found_.end(),
                                   [&](const MissingName& row) { return row.kind == kind && row.name == name; });
    if (same != found_.end()) {
      if (lld) lld_ = &*same;
      return;
    }
    found_.push_back({kind, std::string(name), lld ? std::string() : place_of(text), lld ? std::string() : function_});
    if (lld) lld_ = &found_.back();
  }

  /// LLD's second and third lines: "referenced by a.c:12 (/folder/a.c:12)", "a.o:(Write)".
  void referenced(std::string_view text) {
    if (lld_ == nullptr) return;
    while (text.starts_with(' ')) text.remove_prefix(1);
    if (text.starts_with("referenced by ")) text.remove_prefix(14);
    const std::size_t open = text.find('(');
    const std::size_t close = text.find(')', open == std::string_view::npos ? 0 : open);
    std::string_view place = text.substr(0, open);
    while (place.ends_with(' ') || place.ends_with(':')) place.remove_suffix(1);
    if (lld_->place.empty()) lld_->place = place;
    if (open == std::string_view::npos || close == std::string_view::npos || open == 0 || text[open - 1] != ':') return;
    if (lld_->function.empty()) lld_->function = text.substr(open + 1, close - open - 1);
  }

  std::vector<MissingName> found_;
  std::string function_;
  MissingName* lld_ = nullptr;  // what the lines with >>> are about
};

}  // namespace

std::vector<MissingName> read_diagnostics(std::string_view said) {
  return Reading().take(said);
}

}  // namespace dumpsim::toolchain
