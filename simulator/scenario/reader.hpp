// SPDX-License-Identifier: Apache-2.0
// Typed access to a document that collects mistakes instead of stopping at the first: a table is a Section, which
// refuses keys that have no row in the key table and gives values of the type the row says. Inside the room only.
#pragma once

#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "scenario/document.hpp"
#include "scenario/keys.hpp"
#include "scenario/scenario.hpp"

namespace dumpsim::scenario {

/// All that is wrong with one file.
class Mistakes {
 public:
  /// `path` is the key it is about ("dump.file.size"): checks of values that depend on it are left out.
  void add(Place place, std::string_view path, std::string message);
  bool empty() const { return found_.empty(); }
  /// Whether nothing is wrong in the top-level table (or key) of this name.
  bool clean(std::string_view section) const;
  /// `FILE:LINE:COLUMN: message`, a line each, sorted by place; at most 100, then how many more there are.
  std::string render(const std::filesystem::path& file) const;

 private:
  struct Mistake {
    Place place;
    std::string section;
    std::string message;
  };
  std::vector<Mistake> found_;
};

/// A table of the document at a path of the key table. Each accessor gives nothing when the key is absent or wrong, and
/// in the second case has said so. REQUIRES of all: the key table has a row PATH.key of the accessor's type.
class Section {
 public:
  /// Refuses unknown keys at once. `node` and `mistakes` outlive it.
  Section(const Node& node, std::string path, Mistakes& mistakes);

  const Node& node() const { return *node_; }
  const std::string& path() const { return path_; }
  bool has(std::string_view key) const { return node_->find(key) != nullptr; }
  /// Of the value; of the table when the key is absent.
  Place place(std::string_view key) const;

  std::optional<std::string> text(std::string_view key);
  std::optional<bool> boolean(std::string_view key);
  std::optional<std::uint64_t> integer(std::string_view key);
  std::optional<std::uint64_t> number(std::string_view key);
  std::optional<std::uint64_t> size(std::string_view key);
  std::optional<std::int64_t> signed_size(std::string_view key);
  std::optional<double> share(std::string_view key);
  std::optional<std::size_t> word(std::string_view key);  ///< its index in the row's words
  /// As word; one behind the last word for "reader:PATH", whose path goes to `path`.
  std::optional<std::size_t> way(std::string_view key, std::string& path);
  std::optional<CountRange> count(std::string_view key);
  std::optional<Section> table(std::string_view key);
  std::vector<Section> tables(std::string_view key);
  /// The texts of a text_list, with their places.
  std::vector<const Node*> texts(std::string_view key);
  std::vector<std::uint64_t> numbers(std::string_view key, std::size_t most);
  /// The items of any list; nullptr when the key is absent or no list.
  const std::vector<Node>* list(std::string_view key);
  /// The value whatever it is.
  const Node* any(std::string_view key);

  /// Says that `key` is missing when it is. Returns whether it is there.
  bool require(std::string_view key);
  void require_all(std::initializer_list<std::string_view> keys);
  /// Says that two keys contradict each other when both are there; the later one in the text is the mistake.
  void exclusive(std::string_view a, std::string_view b, std::string_view why);
  void mistake(std::string_view key, std::string message);
  void mistake_at(Place place, std::string message);

  /// Index of a word, or a mistake at the node that lists the choices.
  std::optional<std::size_t> word_of(const Node& node, const Key& row);
  std::string full(std::string_view key) const;

 private:
  const Node* get(std::string_view key, Type type, const Key*& row);
  void wrong_type(const Node& node, const Key& row);
  std::optional<std::uint64_t> bounded(const Node& node, const Key& row, std::uint64_t value);
  std::optional<std::uint64_t> number_in(const Node& node, const Key& row);

  const Node* node_;
  std::string path_;
  Mistakes* mistakes_;
};

}  // namespace dumpsim::scenario
