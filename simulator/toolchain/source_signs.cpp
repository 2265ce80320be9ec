// SPDX-License-Identifier: Apache-2.0
#include "toolchain/source_signs.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

namespace dumpsim::toolchain {
namespace {

struct Token {
  std::string_view text;
  std::uint32_t line = 0;
  std::uint32_t file = 0;  // of Tokens::files
  bool own = false;
};

struct Tokens {
  std::vector<std::string> files;
  std::vector<Token> all;
};

bool word_letter(char letter) {
  return letter == '_' || (letter >= '0' && letter <= '9') || (letter >= 'A' && letter <= 'Z') ||
         (letter >= 'a' && letter <= 'z') || static_cast<unsigned char>(letter) >= 0x80;
}

/// Line markers as preprocessors write them: `# 12 "file.c" 1 3`; a flag of 3 is a system header.
struct Marker {
  std::uint32_t line = 0;
  std::string file;
  bool system = false;
};

std::optional<Marker> read_marker(std::string_view line) {
  if (!line.starts_with("# ")) return std::nullopt;
  line.remove_prefix(2);
  Marker marker;
  std::size_t at = 0;
  for (; at < line.size() && line[at] >= '0' && line[at] <= '9' && at < 9; ++at) {
    marker.line = marker.line * 10 + static_cast<std::uint32_t>(line[at] - '0');
  }
  if (at == 0 || at + 1 >= line.size() || line[at] != ' ' || line[at + 1] != '"') return std::nullopt;
  const std::size_t end = line.rfind('"');
  if (end <= at + 1) return std::nullopt;
  marker.file = line.substr(at + 2, end - at - 2);
  marker.system = line.substr(end).find(" 3") != std::string_view::npos;
  return marker;
}

class Tokenizer {
 public:
  Tokenizer(std::string_view text, const std::string& headers) : text_(text), headers_(headers) {}

  Tokens take() {
    tokens_.files.emplace_back();
    bool fresh_line = true;
    while (at_ < text_.size()) {
      if (fresh_line && text_[at_] == '#') {
        directive();
        continue;
      }
      fresh_line = false;
      const char letter = text_[at_];
      if (letter == '\n') {
        ++line_;
        ++at_;
        fresh_line = true;
      } else if (letter == '"' || letter == '\'') {
        quoted(letter);
      } else if (word_letter(letter)) {
        const std::size_t begin = at_;
        while (at_ < text_.size() && word_letter(text_[at_])) ++at_;
        add(text_.substr(begin, at_ - begin));
      } else {
        if (letter != ' ' && letter != '\t' && letter != '\r' && letter != '\f') add(text_.substr(at_, 1));
        ++at_;
      }
    }
    return std::move(tokens_);
  }

 private:
  void add(std::string_view text) {
    tokens_.all.push_back({text, line_, static_cast<std::uint32_t>(tokens_.files.size() - 1), own_});
  }
  /// A line marker, or a pragma, which the preprocessor leaves.
  void directive() {
    const std::size_t end = std::min(text_.find('\n', at_), text_.size());
    if (const std::optional<Marker> marker = read_marker(text_.substr(at_, end - at_))) {
      line_ = marker->line;
      tokens_.files.push_back(marker->file);
      own_ = !marker->system && !marker->file.starts_with('<') && !marker->file.starts_with(headers_);
    } else {
      ++line_;
    }
    at_ = std::min(end + 1, text_.size());
  }
  void quoted(char quote) {
    for (++at_; at_ < text_.size() && text_[at_] != quote && text_[at_] != '\n'; ++at_) {
      if (text_[at_] == '\\' && at_ + 1 < text_.size() && text_[at_ + 1] != '\n') ++at_;
    }
    if (at_ < text_.size() && text_[at_] == quote) ++at_;
    add("\"\"");
  }

  std::string_view text_;
  std::string headers_;
  std::size_t at_ = 0;
  std::uint32_t line_ = 1;
  bool own_ = false;
  Tokens tokens_;
};

template <std::size_t count>
bool among(std::string_view word, const std::array<std::string_view, count>& words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

// What include/wdk/ddi/compiler.h makes attributes of.
constexpr std::array<std::string_view, 19> known_declspecs = {
    "align",       "allocate",    "code_seg",  "deprecated", "dllexport", "dllimport", "guard",
    "intrin_type", "naked",       "noalias",   "noinline",   "noreturn",  "nothrow",   "novtable",
    "restrict",    "safebuffers", "selectany", "thread",     "uuid"};
constexpr std::array<std::string_view, 8> type_words = {"signed", "unsigned", "int",      "long",
                                                        "const",  "volatile", "__signed", "__const"};
constexpr std::array<std::string_view, 4> seh_words = {"__try", "__except", "__finally", "__leave"};

/// "ui64" of 0x10ui64; empty for every other word.
std::string_view suffix_of_microsoft(std::string_view word) {
  if (word.empty() || word.front() < '0' || word.front() > '9') return {};
  const std::size_t at = word.find_first_of("iI");  // no digit of any base
  if (at == std::string_view::npos) return {};
  const std::string_view bits = word.substr(at + 1);
  if (bits != "8" && bits != "16" && bits != "32" && bits != "64") return {};
  return word.substr(word[at - 1] == 'u' || word[at - 1] == 'U' ? at - 1 : at);
}

class Signs {
 public:
  explicit Signs(const Tokens& tokens) : tokens_(tokens) {}

  std::optional<WindowsSign> first() const {
    for (std::size_t index = 0; index < tokens_.all.size(); ++index) {
      const Token& token = tokens_.all[index];
      if (!token.own) continue;
      std::string what;
      if (token.text == "long") {
        if (plain_long(index)) what = "a plain long, which has 32 bits on Windows only";
      } else if (token.text == "__asm" || token.text == "_asm") {
        if (assembly_of_microsoft(index)) what = "inline assembly as Microsoft writes it";
      } else if (token.text == "__declspec" || token.text == "_declspec") {
        what = odd_declspec(index);
      } else if (const std::string_view suffix = suffix_of_microsoft(token.text); !suffix.empty()) {
        what = fmt::format("a number with the suffix {}, which gcc does not have", suffix);
      }
      if (!what.empty()) return sign(token, what);
    }
    return std::nullopt;
  }

  std::optional<WindowsSign> first_exception() const {
    for (const Token& token : tokens_.all) {
      if (token.own && among(token.text, seh_words)) {
        return sign(token, fmt::format("{}, structured exception handling", token.text));
      }
    }
    return std::nullopt;
  }

 private:
  WindowsSign sign(const Token& token, std::string what) const {
    return {fmt::format("{}:{}", tokens_.files[token.file], token.line), std::move(what)};
  }
  std::string_view at(std::size_t index) const {
    return index < tokens_.all.size() ? tokens_.all[index].text : std::string_view();
  }
  /// One long in its run of type words, and no double behind it.
  bool plain_long(std::size_t index) const {
    std::size_t begin = index;
    while (begin > 0 && among(at(begin - 1), type_words)) --begin;
    std::size_t end = index;
    std::size_t longs = 0;
    for (end = begin; among(at(end), type_words); ++end) longs += at(end) == "long" ? 1 : 0;
    const bool with_double = at(end) == "double" || (begin > 0 && at(begin - 1) == "double");
    return longs == 1 && !with_double;
  }
  /// `__asm {`, `__asm mov`: GCC's own has a parenthesis, perhaps behind volatile or goto.
  bool assembly_of_microsoft(std::size_t index) const {
    std::size_t next = index + 1;
    while (at(next) == "volatile" || at(next) == "__volatile__" || at(next) == "goto" || at(next) == "inline") ++next;
    return at(next) != "(";
  }
  /// Attributes without a meaning here, and several in one.
  std::string odd_declspec(std::size_t index) const {
    if (at(index + 1) != "(") return {};
    const std::string_view word = at(index + 2);
    if (!among(word, known_declspecs)) return fmt::format("__declspec({}), which gcc does not have", word);
    std::size_t next = index + 3;
    if (at(next) == "(") {
      int depth = 0;
      do {
        depth += at(next) == "(" ? 1 : at(next) == ")" ? -1 : 0;
        ++next;
      } while (depth > 0 && next < tokens_.all.size());
    }
    return at(next) == ")" ? std::string() : "a __declspec of several attributes, which gcc does not have";
  }

  const Tokens& tokens_;
};

}  // namespace

std::optional<WindowsSign> find_windows_sign(std::string_view text, const std::filesystem::path& headers) {
  const Tokens tokens = Tokenizer(text, headers.string()).take();
  return Signs(tokens).first();
}

std::optional<WindowsSign> find_exception_sign(std::string_view text, const std::filesystem::path& headers) {
  const Tokens tokens = Tokenizer(text, headers.string()).take();
  return Signs(tokens).first_exception();
}

}  // namespace dumpsim::toolchain
