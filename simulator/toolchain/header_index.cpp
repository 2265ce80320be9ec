// SPDX-License-Identifier: Apache-2.0
#include "toolchain/header_index.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/file.hpp"

namespace dumpsim::toolchain {
namespace fs = std::filesystem;
namespace {

constexpr std::uint64_t header_limit = std::uint64_t{8} << 20;
// The order in which a driver author would think of them: the first that leads to a name is offered.
constexpr std::array<std::string_view, 7> preferred = {"ntddk.h",    "wdm.h",      "ntifs.h",    "ntdddump.h",
                                                       "ntdddisk.h", "ntddstor.h", "ntstrsafe.h"};

bool letter(char character) {
  return character == '_' || (character >= '0' && character <= '9') || (character >= 'A' && character <= 'Z') ||
         (character >= 'a' && character <= 'z');
}
bool is_name(std::string_view token) {
  return letter(token.front()) && !(token.front() >= '0' && token.front() <= '9');
}

/// A header's text without comments, literals and continued lines.
std::string plain(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size(); ++at) {
    const std::string_view rest = text.substr(at);
    if (rest.starts_with("//")) {
      at = std::min(text.find('\n', at), text.size()) - 1;
    } else if (rest.starts_with("/*")) {
      const std::size_t end = text.find("*/", at + 2);
      at = end == std::string_view::npos ? text.size() : end + 1;
      out += ' ';
    } else if (rest.starts_with("\\\n")) {
      ++at;
    } else if (text[at] == '"' || text[at] == '\'') {
      const char quote = text[at];
      for (++at; at < text.size() && text[at] != quote && text[at] != '\n'; ++at) {
        if (text[at] == '\\') ++at;
      }
      out += ' ';
    } else {
      out += text[at];
    }
  }
  return out;
}

/// The declarations of a header, statement by statement; directives are taken out on the way.
class Declarations {
 public:
  explicit Declarations(std::string_view text) : text_(text) {}

  std::set<std::string> take() {
    std::size_t at = 0;
    bool fresh_line = true;
    while (at < text_.size()) {
      const char character = text_[at];
      if (character == '#' && fresh_line) {
        at = directive(at);
        continue;
      }
      fresh_line = character == '\n' || (fresh_line && (character == ' ' || character == '\t'));
      if (letter(character)) {
        const std::size_t begin = at;
        while (at < text_.size() && letter(text_[at])) ++at;
        token(text_.substr(begin, at - begin));
        continue;
      }
      if (character > ' ') token(text_.substr(at, 1));
      ++at;
    }
    return std::move(names_);
  }

 private:
  std::size_t directive(std::size_t at) {
    const std::size_t end = std::min(text_.find('\n', at), text_.size());
    std::string_view line = text_.substr(at + 1, end - at - 1);
    line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
    if (line.starts_with("define")) {
      line.remove_prefix(6);
      line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
      std::size_t length = 0;
      while (length < line.size() && letter(line[length])) ++length;
      if (length != 0) names_.emplace(line.substr(0, length));
    }
    return end;
  }

  void token(std::string_view text) {
    // Macros that stand alone and open or close `extern "C"`; the braces of the real thing are in a header of its own.
    if (statement_.empty() && (text.starts_with("WDK_EXTERN_C") || text.starts_with("EXTERN_C_"))) return;
    if (text == "{") {
      if (depth_++ == 0) body_of_function_ = !statement_.empty() && statement_.back() == ")";
    } else if (text == "}") {
      if (depth_ > 0 && --depth_ == 0 && body_of_function_) {
        statement_.emplace_back("{");
        finish();
        return;
      }
    } else if (text == ";" && depth_ == 0) {
      finish();
      return;
    }
    if (depth_ == 0 || (!body_of_function_ && statement_.size() < limit)) statement_.push_back(text);
  }

  void finish() {
    std::vector<std::string_view> outer;  // without what stands in braces
    int depth = 0;
    bool in_enum = false;
    for (std::size_t index = 0; index < statement_.size(); ++index) {
      const std::string_view text = statement_[index];
      const std::string_view next = index + 1 < statement_.size() ? statement_[index + 1] : std::string_view();
      if (text == "enum") in_enum = true;
      if (text == "{") {
        ++depth;
      } else if (text == "}") {
        --depth;
      } else if (depth == 0) {
        outer.push_back(text);
      } else if (in_enum && is_name(text) && (next == "," || next == "=" || next == "}")) {
        names_.emplace(text);
      }
      if ((text == "struct" || text == "union" || text == "enum") && !next.empty() && is_name(next)) {
        names_.emplace(next);
      }
    }
    declarators(outer);
    statement_.clear();
    body_of_function_ = false;
  }

  /// The names that a statement without braces introduces: behind it all, before a comma, or before the parameters.
  void declarators(const std::vector<std::string_view>& outer) {
    int depth = 0;
    std::string_view function;
    for (std::size_t index = 0; index < outer.size(); ++index) {
      const std::string_view text = outer[index];
      const std::string_view next = index + 1 < outer.size() ? outer[index + 1] : std::string_view(";");
      if (text == "(") {
        ++depth;
      } else if (text == ")") {
        --depth;
      } else if (is_name(text)) {
        const bool pointer_to_function = depth == 1 && index >= 2 && outer[index - 1] == "*" && next == ")" &&
                                         index + 2 < outer.size() && outer[index + 2] == "(";
        if (pointer_to_function || (depth == 0 && (next == "," || next == ";" || next == "["))) names_.emplace(text);
        // Annotations come before it, so the last one counts; before "(*" stands a type.
        const bool type = index + 2 < outer.size() && outer[index + 2] == "*";
        if (depth == 0 && next == "(" && !type) function = text;
      }
    }
    if (!function.empty()) names_.emplace(function);
  }

  static constexpr std::size_t limit = 100000;
  std::string_view text_;
  std::vector<std::string_view> statement_;
  int depth_ = 0;
  bool body_of_function_ = false;
  std::set<std::string> names_;
};

/// The headers that `text` includes by its own quotes or by angle brackets, as written.
std::vector<std::string> included(const std::string& text) {
  std::vector<std::string> names;
  std::size_t at = 0;
  while ((at = text.find("#include", at)) != std::string::npos) {
    at += 8;
    const std::size_t open = text.find_first_of("\"<\n", at);
    if (open == std::string::npos || text[open] == '\n') continue;
    const std::size_t close = text.find_first_of("\">\n", open + 1);
    if (close != std::string::npos && text[close] != '\n') names.push_back(text.substr(open + 1, close - open - 1));
  }
  return names;
}

}  // namespace

std::set<std::string> declared_names(std::string_view text) {
  const std::string stripped = plain(text);
  return Declarations(stripped).take();
}

Result<HeaderIndex> HeaderIndex::read(const fs::path& folder) {
  HeaderIndex index;
  std::map<std::string, std::string> texts;  // by path from the folder: "ddi/ke.h"
  std::error_code failed;
  for (const std::string part : {"", "ddi"}) {
    for (const auto& entry : fs::directory_iterator(folder / part, failed)) {
      if (entry.path().extension() != ".h") continue;
      Result<std::string> text = read_text(entry.path(), header_limit);
      if (!text) return text.error();
      const std::string name = entry.path().filename().string();
      if (part.empty()) index.headers_.push_back(name);
      texts.emplace((fs::path(part) / name).string(), *std::move(text));
    }
  }
  if (index.headers_.empty()) return Error{fmt::format("no headers in {}", folder.string())};
  std::sort(index.headers_.begin(), index.headers_.end());

  std::vector<std::string> order(preferred.begin(), preferred.end());
  order.insert(order.end(), index.headers_.begin(), index.headers_.end());
  // A name that a public header declares itself is that header's, whatever else leads there.
  for (const std::string& header : index.headers_) {
    for (const std::string& name : declared_names(texts[header])) index.header_of_.emplace(name, header);
  }
  for (const std::string& header : order) {
    std::set<std::string> seen;
    std::vector<std::string> waiting = {header};
    while (!waiting.empty()) {
      const std::string at = waiting.back();
      waiting.pop_back();
      const auto text = texts.find(at);
      if (text == texts.end() || !seen.insert(at).second) continue;
      for (const std::string& name : declared_names(text->second)) index.header_of_.emplace(name, header);
      for (const std::string& name : included(text->second)) {
        waiting.push_back((fs::path(at).parent_path() / name).lexically_normal().string());
        waiting.push_back(name);
      }
    }
  }
  return index;
}

std::string HeaderIndex::header_of(std::string_view name) const {
  const auto found = header_of_.find(name);
  return found == header_of_.end() ? std::string() : found->second;
}

std::vector<std::string_view> HeaderIndex::names() const {
  std::vector<std::string_view> all;
  all.reserve(header_of_.size());
  for (const auto& [name, header] : header_of_) all.push_back(name);
  return all;
}

}  // namespace dumpsim::toolchain
