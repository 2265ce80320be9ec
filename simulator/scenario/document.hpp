// SPDX-License-Identifier: Apache-2.0
// TOML text as a tree of our own, with the place of every key and value. toml++ stays behind this header, in one
// translation unit: it is large, and its tree cannot be told what a hostile document may cost.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace dumpsim::scenario {

/// Where something stands: from 1; columns count characters, not bytes.
struct Place {
  std::uint32_t line = 1;
  std::uint32_t column = 1;
  friend auto operator<=>(const Place&, const Place&) = default;
};

enum class NodeKind : std::uint8_t { table, array, text, integer, real, boolean, date };

struct Entry;

/// One value. Only the members of its kind mean something.
struct Node {
  NodeKind kind = NodeKind::table;
  Place place;
  std::string text;
  std::int64_t integer = 0;
  double real = 0;
  bool boolean = false;
  std::vector<Node> items;     ///< array
  std::vector<Entry> entries;  ///< table, sorted by key

  /// The entry of a table, or nullptr.
  const Entry* find(std::string_view key) const;
};

struct Entry {
  std::string key;
  Place place;  ///< of the key
  Node value;
};

struct SyntaxError {
  Place place;
  std::string message;
};

/// Parses the document, or says in `error` where it stops being TOML. Values nest at most 16 deep, and no line has more
/// than 256 dots, so that no document exhausts the stack.
bool parse_document(std::string_view text, Node& root, SyntaxError& error);

/// Whether there is a value at `path`, written as for place_of().
bool has_value(const Node& root, std::string_view path);
/// Where the value at `path` ("dump.file.extents[2].size") stands; of what is missing, the nearest thing around it.
Place place_of(const Node& root, std::string_view path);

/// For messages: `the text "four"`, `the integer 4`, `a table`.
std::string describe(const Node& node);

/// In quotes, on one line, cut when long: what a user wrote, fit for a message.
std::string in_quotes(std::string_view text);

}  // namespace dumpsim::scenario
