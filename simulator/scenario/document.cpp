// SPDX-License-Identifier: Apache-2.0
// The only file that sees toml++, built without exceptions. It recurses over nested values and over the parts of dotted
// keys when it frees its tree (100,000 parts overflow the stack, measured with 3.3), so both are bounded before it
// runs.
#include "scenario/document.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "trace/utf8.hpp"

// Some of its assertions are wrong: "[{" breaks one whose next lines handle that very case (found by fuzzing). In a
// debug build they would abort on a user's mistake, under NDEBUG they are promises to the compiler, so both are off.
#ifdef NDEBUG
#define DUMPSIM_HAD_NDEBUG
#undef NDEBUG
#endif
#define TOML_ASSERT(expr) static_assert(true)
#define TOML_EXCEPTIONS 0
#define TOML_HEADER_ONLY 1
#define TOML_MAX_NESTED_VALUES 16
#define TOML_ENABLE_FORMATTERS 0
#include <toml++/toml.h>
#ifdef DUMPSIM_HAD_NDEBUG
#define NDEBUG
#endif

namespace dumpsim::scenario {
namespace {

constexpr std::size_t most_dots = 256;

Place place_in(const toml::source_region& region) {
  return {std::max<std::uint32_t>(1, region.begin.line), std::max<std::uint32_t>(1, region.begin.column)};
}

Node convert(const toml::node& from) {
  Node node;
  node.place = place_in(from.source());
  if (const toml::table* table = from.as_table()) {
    node.kind = NodeKind::table;
    for (const auto& [key, value] : *table) {
      node.entries.push_back({std::string(key.str()), place_in(key.source()), convert(value)});
    }
  } else if (const toml::array* array = from.as_array()) {
    node.kind = NodeKind::array;
    node.items.reserve(array->size());
    for (const toml::node& item : *array) node.items.push_back(convert(item));
  } else if (const auto* text = from.as_string()) {
    node.kind = NodeKind::text;
    node.text = text->get();
  } else if (const auto* integer = from.as_integer()) {
    node.kind = NodeKind::integer;
    node.integer = integer->get();
  } else if (const auto* real = from.as_floating_point()) {
    node.kind = NodeKind::real;
    node.real = real->get();
  } else if (const auto* boolean = from.as_boolean()) {
    node.kind = NodeKind::boolean;
    node.boolean = boolean->get();
  } else {
    node.kind = NodeKind::date;
  }
  return node;
}

/// The first line with more dots than a key may have parts, or 0. Dots in strings count too: telling them apart here
/// would need a second TOML parser that agrees with the first.
std::uint32_t line_with_too_many_dots(std::string_view text) {
  std::uint32_t line = 1;
  std::size_t dots = 0;
  for (const char c : text) {
    if (c == '\n') {
      ++line;
      dots = 0;
    } else if (c == '.' && ++dots > most_dots) {
      return line;
    }
  }
  return 0;
}

/// Bytes of the character that begins the text, or 0 when they are not UTF-8: truncated, overlong, a surrogate, beyond
/// U+10FFFF. REQUIRES: not empty.
std::size_t character_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
  const auto continues = [&](std::size_t i) { return (byte(i) & 0xc0U) == 0x80U; };
  const unsigned first = byte(0), second = byte(1);
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first <= 0xdf) return continues(1) ? 2 : 0;
  if (first >= 0xe0 && first <= 0xef) {
    const bool canonical = (first != 0xe0 || second >= 0xa0) && (first != 0xed || second < 0xa0);
    return canonical && continues(1) && continues(2) ? 3 : 0;
  }
  if (first >= 0xf0 && first <= 0xf4) {
    const bool canonical = (first != 0xf0 || second >= 0x90) && (first != 0xf4 || second < 0x90);
    return canonical && continues(1) && continues(2) && continues(3) ? 4 : 0;
  }
  return 0;
}

// toml++ 3.3 takes overlong forms for characters, and its table of white space has holes: U+00E4, and thousands more,
// are undefined behaviour where white space may stand (found by fuzzing). So it sees ASCII and characters behind U+FEFF
// only: the others stand in for themselves in the last plane for private use, and are put back into texts and keys.
constexpr std::uint32_t last_plane = 0x100000, first_moved = 0x80, last_moved = 0xfeff;

std::uint32_t decode(std::string_view character) {
  const auto bits = [&](std::size_t i) { return static_cast<unsigned char>(character[i]) & 0x3fU; };
  switch (character.size()) {
    case 1:
      return static_cast<unsigned char>(character[0]);
    case 2:
      return (bits(0) & 0x1fU) << 6 | bits(1);
    case 3:
      return (bits(0) & 0xfU) << 12 | bits(1) << 6 | bits(2);
    default:
      return (bits(0) & 0x7U) << 18 | bits(1) << 12 | bits(2) << 6 | bits(3);
  }
}

/// REQUIRES: a character.
void append(std::string& text, std::uint32_t character) {
  const auto add = [&](std::uint32_t byte) { text += static_cast<char>(static_cast<unsigned char>(byte)); };
  if (character < 0x80) return add(character);
  if (character < 0x800) {
    add(0xc0U | character >> 6);
  } else {
    if (character < 0x10000) {
      add(0xe0U | character >> 12);
    } else {
      add(0xf0U | character >> 18);
      add(0x80U | (character >> 12 & 0x3fU));
    }
    add(0x80U | (character >> 6 & 0x3fU));
  }
  add(0x80U | (character & 0x3fU));
}

/// What toml++ gets to see of the text; or why that cannot be said.
bool make_readable(std::string_view text, std::string& readable, SyntaxError& error) {
  constexpr std::string_view private_use = "characters from U+100000 on, for private use, cannot stand in a scenario";
  if (text.find("\\U0010") != std::string_view::npos) {
    error = {{}, std::string(private_use)};
    return false;
  }
  constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";
  if (text.starts_with(byte_order_mark)) text.remove_prefix(byte_order_mark.size());
  readable.reserve(text.size());
  Place place;
  while (!text.empty()) {
    const std::size_t length = character_length(text);
    const std::uint32_t character = length == 0 ? 0 : decode(text.substr(0, length));
    if (length == 0 || character >= last_plane) {
      error = {place, length == 0 ? "not UTF-8: expected a text file in this encoding" : std::string(private_use)};
      return false;
    }
    const bool moves = character >= first_moved && character <= last_moved;
    append(readable, moves ? character + last_plane : character);
    place = character == '\n' ? Place{place.line + 1, 1} : Place{place.line, place.column + 1};
    text.remove_prefix(length);
  }
  return true;
}

std::string put_back(std::string_view text) {
  std::string original;
  original.reserve(text.size());
  while (!text.empty()) {
    const std::size_t length = std::max<std::size_t>(1, character_length(text));
    const std::uint32_t character = decode(text.substr(0, length));
    if (character >= last_plane + first_moved && character <= last_plane + last_moved) {
      append(original, character - last_plane);
    } else {
      original += text.substr(0, length);
    }
    text.remove_prefix(length);
  }
  return original;
}

void put_back(Node& node) {
  node.text = put_back(node.text);
  for (Node& item : node.items) put_back(item);
  for (Entry& entry : node.entries) {
    entry.key = put_back(entry.key);
    put_back(entry.value);
  }
  std::sort(node.entries.begin(), node.entries.end(), [](const Entry& a, const Entry& b) { return a.key < b.key; });
}

/// toml++ says "Error while parsing X: Y"; the place is said elsewhere, and messages begin in lower case.
std::string in_our_words(std::string_view description) {
  constexpr std::string_view opening = "Error while parsing ";
  if (description.starts_with(opening)) description.remove_prefix(opening.size());
  return "not TOML: " + trace::printable(description);
}

/// Follows `path` as far as it goes. Returns the last node there, and whether that is the end of the path.
std::pair<const Node*, bool> follow(const Node& root, std::string_view path) {
  const Node* node = &root;
  while (!path.empty()) {
    const std::size_t end = std::min(path.find_first_of(".["), path.size());
    if (end > 0) {
      const Entry* entry = node->kind == NodeKind::table ? node->find(path.substr(0, end)) : nullptr;
      if (entry == nullptr) return {node, false};
      node = &entry->value;
    }
    path.remove_prefix(end);
    if (path.starts_with('[')) {
      std::size_t index = 0;
      const std::size_t close = path.find(']');
      std::from_chars(path.data() + 1, path.data() + close, index);
      if (node->kind != NodeKind::array || index >= node->items.size()) return {node, false};
      node = &node->items[index];
      path.remove_prefix(close + 1);
    }
    if (path.starts_with('.')) path.remove_prefix(1);
  }
  return {node, true};
}

}  // namespace

const Entry* Node::find(std::string_view key) const {
  const auto found = std::lower_bound(entries.begin(), entries.end(), key,
                                      [](const Entry& e, std::string_view k) { return e.key < k; });
  return found != entries.end() && found->key == key ? &*found : nullptr;
}

bool parse_document(std::string_view text, Node& root, SyntaxError& error) {
  if (const std::uint32_t line = line_with_too_many_dots(text)) {
    error = {{line, 1}, fmt::format("more than {} dots on one line; break the text over several lines", most_dots)};
    return false;
  }
  std::string readable;
  if (!make_readable(text, readable, error)) return false;
  const toml::parse_result result = toml::parse(readable);
  if (!result) {
    error = {place_in(result.error().source()), in_our_words(put_back(result.error().description()))};
    return false;
  }
  root = convert(result.table());
  put_back(root);
  return true;
}

bool has_value(const Node& root, std::string_view path) {
  return follow(root, path).second;
}

Place place_of(const Node& root, std::string_view path) {
  return follow(root, path).first->place;
}

std::string in_quotes(std::string_view text) {
  constexpr std::size_t most = 60;
  const std::string_view shown = trace::utf8_prefix(text, most);
  return fmt::format("\"{}{}\"", trace::printable(shown), shown.size() < text.size() ? "…" : "");
}

std::string describe(const Node& node) {
  switch (node.kind) {
    case NodeKind::table:
      return "a table";
    case NodeKind::array:
      return "a list";
    case NodeKind::text:
      return "the text " + in_quotes(node.text);
    case NodeKind::integer:
      return fmt::format("the integer {}", node.integer);
    case NodeKind::real:
      return fmt::format("the number {}", node.real);
    case NodeKind::boolean:
      return node.boolean ? "true" : "false";
    case NodeKind::date:
      return "a date or time";
  }
  return "something else";
}

}  // namespace dumpsim::scenario
