// SPDX-License-Identifier: Apache-2.0
// .reg files, version 5.00, as the registry editor exports and imports them [doc: "How to add, modify, or delete
// registry subkeys and values by using a .reg file"]. Mistakes are collected, since a file is exported by one program
// and mended by hand; a line that cannot be understood is left out together with its continuations.
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <optional>

#include "base/text.hpp"
#include "base/utf16.hpp"
#include "scenario/reader.hpp"
#include "scenario/registry.hpp"
#include "trace/registry_words.hpp"

namespace dumpsim::scenario {
namespace {

constexpr std::u16string_view header = u"Windows Registry Editor Version 5.00";
constexpr std::size_t longest_value_name = 16383;  // characters [doc]
constexpr std::size_t most_edits = 1'000'000;
constexpr std::size_t most_told = 1000;  // mistakes; a file of another kind has one on every line

bool is_blank(char16_t unit) {
  return unit == u' ' || unit == u'\t';
}
bool is_end(char16_t unit) {
  return unit == u'\n' || unit == u'\r';
}
int hex_digit(char16_t unit) {
  if (unit >= u'0' && unit <= u'9') return unit - u'0';
  if (unit >= u'a' && unit <= u'f') return unit - u'a' + 10;
  return unit >= u'A' && unit <= u'F' ? unit - u'A' + 10 : -1;
}

class RegistryFile {
 public:
  RegistryFile(std::u16string_view text, Mistakes& mistakes, std::vector<RegistryEdit>& edits)
      : text_(text), mistakes_(mistakes), edits_(edits) {}

  void read() {
    if (!read_header()) return;
    while (skip_to_content()) {
      if (edits_.size() >= most_edits) return mistake(here_, fmt::format("more than {} keys and values", most_edits));
      const bool read = peek() == u'[' ? read_key() : read_value();
      if (!read) skip_entry();
      if (told_ > most_told) return;
    }
  }

 private:
  bool at_end() const { return at_ >= text_.size(); }
  char16_t peek(std::size_t ahead = 0) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : u'\0'; }
  char16_t take() {
    const char16_t unit = text_[at_++];
    const bool line_end = unit == u'\n' || (unit == u'\r' && peek() != u'\n');
    if (line_end) {
      here_ = {here_.line + 1, 1};
    } else if (unit < 0xDC00 || unit >= 0xE000) {  // the second half of a pair is no character of its own
      ++here_.column;
    }
    return unit;
  }
  void skip_blanks() {
    while (!at_end() && is_blank(peek())) take();
  }
  std::u16string_view rest_of_line() const {
    std::size_t end = at_;
    while (end < text_.size() && !is_end(text_[end])) ++end;
    return text_.substr(at_, end - at_);
  }
  void take_line() {
    while (!at_end() && !is_end(peek())) take();
  }
  void take_many(std::size_t count) {
    while (count-- > 0) take();
  }

  void mistake(Place place, std::string message) {
    ++told_;
    mistakes_.add(place, "", std::move(message));
  }
  bool refuse(Place place, std::string message) {
    mistake(place, std::move(message));
    return false;
  }

  bool read_header() {
    while (!at_end() && (is_blank(peek()) || is_end(peek()))) take();
    std::u16string_view line = rest_of_line();
    while (!line.empty() && is_blank(line.back())) line.remove_suffix(1);
    if (line == header) {
      take_line();
      return true;
    }
    if (line == u"REGEDIT4") {
      return refuse(here_, "a file in the form of Windows 98; export it again as \"Registration Files\", version 5.00");
    }
    return refuse(here_, fmt::format("expected the line \"{}\", got {}", to_utf8(header),
                                     line.empty() ? std::string("nothing") : in_quotes(to_utf8(line))));
  }

  /// Past empty lines and comments. False at the end.
  bool skip_to_content() {
    while (!at_end()) {
      if (peek() == u';') {
        take_line();
      } else if (is_blank(peek()) || is_end(peek())) {
        take();
      } else {
        return true;
      }
    }
    return false;
  }

  /// Past the rest of the line, and of the lines that continue it.
  void skip_entry() {
    char16_t last = 0;
    while (!at_end() && !(is_end(peek()) && last != u'\\')) {
      const char16_t unit = take();
      if (!is_end(unit) && !is_blank(unit)) last = unit;
      if (unit == u'\n' || (unit == u'\r' && peek() != u'\n')) last = 0;
    }
  }

  bool expect_line_end(std::string_view behind) {
    skip_blanks();
    if (at_end() || is_end(peek())) return true;
    if (peek() == u';') {
      take_line();
      return true;
    }
    return refuse(here_, fmt::format("expected the end of the line behind {}, got {}", behind,
                                     in_quotes(to_utf8(rest_of_line()))));
  }

  bool read_key() {
    const Place place = here_;
    take();
    const bool deletes = peek() == u'-';
    if (deletes) take();
    const Place name_place = here_;
    key_.reset();
    // A key's name may have brackets: the one that closes is the first with nothing but a comment behind it.
    const std::u16string_view line = rest_of_line();
    std::size_t close = std::u16string_view::npos;
    for (std::size_t i = line.find(u']'); i != std::u16string_view::npos; i = line.find(u']', i + 1)) {
      const std::size_t next = line.find_first_not_of(u" \t", i + 1);
      if (next == std::u16string_view::npos || line[next] == u';') {
        close = i;
        break;
      }
    }
    if (close == std::u16string_view::npos) {
      skipping_ = true;
      return refuse(place,
                    "the bracket that opens here is not closed at the end of the line; expected [KEY] or [-KEY]");
    }
    Result<std::string> path = registry_path(to_utf8(line.substr(0, close)));
    take_line();
    skipping_ = !path;
    if (!path) {
      mistake(name_place, path.error().message);
      return true;
    }
    if (deletes && std::count(path->begin(), path->end(), '\\') < 3) {
      skipping_ = true;
      mistake(name_place, "a root of the registry cannot be deleted");
      return true;
    }
    RegistryEdit edit;
    edit.what = deletes ? RegistryEdit::What::no_key : RegistryEdit::What::key;
    edit.key = *path;
    edit.line = place.line;
    edit.column = place.column;
    edits_.push_back(std::move(edit));
    deleted_ = deletes;
    key_ = std::move(*path);
    return true;
  }

  /// Behind the opening quote, to behind the closing one. The editor writes line ends in texts as they are.
  bool read_quoted(std::u16string& into, std::string_view what) {
    const Place open = here_;
    take();
    while (!at_end() && peek() != u'"') {
      const Place place = here_;
      char16_t unit = take();
      if (unit == u'\\') {
        if (peek() != u'\\' && peek() != u'"') {
          return refuse(place,
                        R"(a backslash in a text stands before a quote or another backslash: write "\\" for one)");
        }
        unit = take();
      }
      if (unit == 0) return refuse(place, fmt::format("a NUL character cannot stand in {}; use hex(1):", what));
      into.push_back(unit);
    }
    if (at_end()) return refuse(open, fmt::format("the quote that opens {} here is never closed", what));
    take();
    return true;
  }

  bool read_value() {
    const Place place = here_;
    std::u16string name;
    if (peek() == u'@') {
      take();
    } else if (peek() == u'"') {
      if (!read_quoted(name, "a name")) return false;
      if (name.size() > longest_value_name) {
        return refuse(place, fmt::format("the name of a value has at most {} characters", longest_value_name));
      }
    } else {
      return refuse(place, fmt::format("expected [KEY], \"NAME\"=, @= or a comment behind \";\", got {}",
                                       in_quotes(to_utf8(rest_of_line()))));
    }
    skip_blanks();
    if (peek() != u'=') return refuse(here_, "expected \"=\" behind the name of a value");
    take();
    skip_blanks();
    const Place data_place = here_;
    RegistryEdit edit;
    edit.name = to_utf8(name);
    edit.line = place.line;
    edit.column = place.column;
    if (!read_data(edit)) return false;
    if (skipping_) return true;  // its key is the mistake
    if (!key_)
      return refuse(place, "a value stands before any key; expected a line such as [HKEY_LOCAL_MACHINE\\SYSTEM]");
    if (deleted_) return refuse(place, "a value stands below a key that is deleted; begin a new [KEY]");
    edit.key = *key_;
    if (const std::string wrong = wrong_registry_value(edit); !wrong.empty()) {
      mistake(data_place, wrong);
      return true;
    }
    edits_.push_back(std::move(edit));
    return true;
  }

  bool read_data(RegistryEdit& edit) {
    const Place place = here_;
    if (peek() == u'-') {
      take();
      edit.what = RegistryEdit::What::no_value;
      return expect_line_end("\"-\"");
    }
    if (peek() == u'"') {
      std::u16string text;
      if (!read_quoted(text, "a text")) return false;
      edit.value = RegistryValue::text(to_utf8(text));
      return expect_line_end("a text");
    }
    std::u16string_view word = rest_of_line();
    word = word.substr(0, word.find(u':'));
    if (word.size() < rest_of_line().size()) {
      if (word == u"dword") {
        take_many(word.size() + 1);
        return read_dword(edit);
      }
      if (word == u"hex") {
        take_many(word.size() + 1);
        return read_bytes(edit, trace::reg_binary, place);
      }
      if (word.starts_with(u"hex(") && word.ends_with(u')')) return read_typed(edit, word, place);
    }
    return refuse(place, fmt::format("expected a text in quotes, dword:, hex:, hex(N): or -, got {}",
                                     in_quotes(to_utf8(rest_of_line()))));
  }

  /// Hex digits, at most eight; nothing when there are none or more.
  std::optional<std::uint32_t> read_number() {
    std::uint32_t value = 0;
    std::size_t digits = 0;
    for (; !at_end() && hex_digit(peek()) >= 0; ++digits)
      value = value << 4 | static_cast<std::uint32_t>(hex_digit(take()));
    if (digits == 0 || digits > 8) return std::nullopt;
    return value;
  }

  bool read_dword(RegistryEdit& edit) {
    skip_blanks();
    const Place place = here_;
    const auto value = read_number();
    if (!value) return refuse(place, "expected one to eight hex digits behind dword:, such as dword:0000000a");
    edit.value = RegistryValue::dword(*value);
    return expect_line_end("a number (hex digits, without 0x)");
  }

  bool read_typed(RegistryEdit& edit, std::u16string_view word, Place place) {
    take_many(4);
    const std::size_t before = at_;
    const auto type = read_number();
    if (!type || at_ - before + 5 != word.size()) {
      return refuse(place,
                    fmt::format("{} names no type; expected hex digits, such as hex(2) for REG_EXPAND_SZ, hex(7) "
                                "for REG_MULTI_SZ, hex(b) for REG_QWORD",
                                in_quotes(to_utf8(word))));
    }
    take_many(2);
    return read_bytes(edit, *type, place);
  }

  /// A backslash at the end of a line, and what leads the next.
  bool continues() {
    if (peek() != u'\\') return false;
    std::size_t ahead = 1;
    while (is_blank(peek(ahead))) ++ahead;
    if (at_ + ahead < text_.size() && !is_end(peek(ahead))) return false;
    take_many(ahead);
    if (!at_end() && take() == u'\r' && peek() == u'\n') take();
    skip_blanks();
    return true;
  }

  bool read_bytes(RegistryEdit& edit, std::uint32_t type, Place place) {
    edit.value.type = type;
    std::vector<std::byte>& bytes = edit.value.bytes;
    bool need_byte = false;
    for (;;) {
      skip_blanks();
      if (continues()) continue;
      const Place byte_place = here_;
      if (at_end() || is_end(peek()) || peek() == u';') {
        if (need_byte) return refuse(byte_place, "a byte is missing behind the comma; a list goes on behind \",\\\"");
        break;
      }
      std::uint32_t value = 0;
      std::size_t digits = 0;
      for (; hex_digit(peek()) >= 0; ++digits) value = value << 4 | static_cast<std::uint32_t>(hex_digit(take()));
      if (digits == 0 || digits > 2) {
        return refuse(byte_place, "expected bytes of two hex digits between commas, such as hex:0a,ff");
      }
      bytes.push_back(static_cast<std::byte>(value));
      skip_blanks();
      need_byte = peek() == u',';
      if (need_byte) {
        take();
        continue;
      }
      if (!expect_line_end("a list of bytes (a comma goes between two)")) return false;
      break;
    }
    return check_length(type, bytes.size(), place);
  }

  bool check_length(std::uint32_t type, std::size_t length, Place place) {
    const std::size_t exact = type == trace::reg_dword || type == trace::reg_dword_big_endian ? 4
                              : type == trace::reg_qword                                      ? 8
                                                                                              : 0;
    if (exact != 0 && length != exact) {
      return refuse(place, fmt::format("a {} has {} bytes, got {}", trace::registry_type_name(type), exact, length));
    }
    const bool text = type == trace::reg_sz || type == trace::reg_expand_sz || type == trace::reg_multi_sz;
    if (text && length % 2 != 0) {
      return refuse(place, fmt::format("a {} is text of two bytes a character, got {} bytes; {}",
                                       trace::registry_type_name(type), length, "export as version 5.00"));
    }
    return true;
  }

  std::u16string_view text_;
  Mistakes& mistakes_;
  std::vector<RegistryEdit>& edits_;
  std::size_t at_ = 0;
  std::size_t told_ = 0;
  Place here_;
  std::optional<std::string> key_;
  bool deleted_ = false;
  bool skipping_ = false;  ///< below a key that is a mistake
};

/// The text in 16-bit units, or a mistake about its encoding.
bool decode(std::string_view bytes, std::u16string& text, Mistakes& mistakes) {
  constexpr std::string_view utf8_mark = "\xef\xbb\xbf";
  if (bytes.starts_with("\xfe\xff")) {
    mistakes.add({}, "",
                 "the file is UTF-16 with the high byte first; expected UTF-16LE, as the registry editor writes it");
    return false;
  }
  if (bytes.starts_with("\xff\xfe")) {
    bytes.remove_prefix(2);
    if (bytes.size() % 2 != 0) {
      mistakes.add({}, "", "the file is UTF-16 and has an odd number of bytes: it is cut off");
      return false;
    }
    text.resize(bytes.size() / 2);
    if (!text.empty()) std::memcpy(text.data(), bytes.data(), bytes.size());
    return true;
  }
  if (bytes.starts_with(utf8_mark)) bytes.remove_prefix(utf8_mark.size());
  text = to_utf16(bytes);
  const std::string back = to_utf8(text);
  if (back == bytes) return true;
  std::size_t good = 0;
  while (good < bytes.size() && good < back.size() && back[good] == bytes[good]) ++good;
  Place place;
  for (std::size_t i = 0; i < good; ++i) {
    if (bytes[i] == '\n')
      place = {place.line + 1, 1};
    else if ((static_cast<unsigned char>(bytes[i]) & 0xC0) != 0x80)
      ++place.column;
  }
  mistakes.add(place, "", "neither UTF-16LE with a byte order mark nor UTF-8; save it in one of these");
  return false;
}

}  // namespace

Result<std::vector<RegistryEdit>> parse_registry_file(std::string_view bytes, const std::filesystem::path& file) {
  Mistakes mistakes;
  std::vector<RegistryEdit> edits;
  std::u16string text;
  if (bytes.size() > largest_registry_file) {
    mistakes.add({}, "", fmt::format("the file is larger than {}", format_size(largest_registry_file)));
  } else if (decode(bytes, text, mistakes)) {
    RegistryFile(text, mistakes, edits).read();
  }
  if (!mistakes.empty()) return Error{mistakes.render(file)};
  return edits;
}

}  // namespace dumpsim::scenario
