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

// toml++ 3.3 has a hole in its table of white space: a character from U+FB26 to U+FEFE where white space may stand is
// undefined behaviour (found by fuzzing). It never sees one: they stand in for it as characters for private use, which
// have three bytes as well, so that places stay the same, and are put back into texts and keys.
constexpr unsigned forms_first = 0xfb26, forms_count = 0xfefe - 0xfb26 + 1;
constexpr unsigned private_first = 0xe000;

/// Moves every character of [from, from + forms_count) to the same place behind `to`. Returns whether there was one.
bool move_characters(std::string& text, unsigned from, unsigned to) {
  bool moved = false;
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  for (std::size_t i = 0; i + 2 < text.size(); ++i) {
    if ((byte(i) & 0xf0) != 0xe0 || (byte(i + 1) & 0xc0) != 0x80 || (byte(i + 2) & 0xc0) != 0x80) continue;
    const unsigned character = (byte(i) & 0xfU) << 12 | (byte(i + 1) & 0x3fU) << 6 | (byte(i + 2) & 0x3fU);
    if (character < from || character >= from + forms_count) continue;
    const unsigned other = character - from + to;
    text[i] = static_cast<char>(0xe0U | other >> 12);
    text[i + 1] = static_cast<char>(0x80U | (other >> 6 & 0x3fU));
    text[i + 2] = static_cast<char>(0x80U | (other & 0x3fU));
    moved = true;
  }
  return moved;
}

void put_back(Node& node) {
  move_characters(node.text, private_first, forms_first);
  for (Node& item : node.items) put_back(item);
  for (Entry& entry : node.entries) {
    move_characters(entry.key, private_first, forms_first);
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
  std::string readable(text);
  const bool moved = move_characters(readable, forms_first, private_first);
  if (std::string probe(text); moved && move_characters(probe, private_first, forms_first)) {
    error = {{1, 1}, "characters U+E000 to U+E3D8 and U+FB26 to U+FEFE cannot stand in one file; write one as \\uXXXX"};
    return false;
  }
  const toml::parse_result result = toml::parse(readable);
  if (!result) {
    error = {place_in(result.error().source()), in_our_words(result.error().description())};
    if (moved) move_characters(error.message, private_first, forms_first);
    return false;
  }
  root = convert(result.table());
  if (moved) put_back(root);
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
