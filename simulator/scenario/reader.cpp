// SPDX-License-Identifier: Apache-2.0
// Reading one table. The wording of every "unknown key" and "expected …, got …" stands here and nowhere else.
#include "scenario/reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <cmath>

#include "base/text.hpp"

namespace dumpsim::scenario {
namespace {

constexpr std::size_t most_mistakes = 100;

std::string_view first_name(std::string_view path) {
  return path.substr(0, path.find_first_of(".["));
}

/// Where a key of this name may stand instead, as a hint.
std::string elsewhere(std::string_view name) {
  for (const Key& row : all_keys()) {
    if (last_name(row.path) != name || row.path.find('[') != std::string_view::npos) continue;
    if (row.path == name) return fmt::format("; it belongs at the top of the file, before the first [table]");
    const std::string_view parent = row.path.substr(0, row.path.size() - name.size() - 1);
    return fmt::format("; did you mean {} in [{}]?", in_quotes(name), parent);
  }
  return {};
}

std::string hint_for_unknown(std::string_view name, const std::vector<std::string_view>& known) {
  std::string hint = did_you_mean(name, known);
  if (hint.empty()) hint = elsewhere(name);
  if (!hint.empty() || known.empty()) return hint;
  hint = "; expected one of ";
  for (const std::string_view each : known) hint += fmt::format("{}{}", each == known.front() ? "" : ", ", each);
  return hint;
}

}  // namespace

void Mistakes::add(Place place, std::string_view path, std::string message) {
  found_.push_back({place, std::string(first_name(path)), std::move(message)});
}

bool Mistakes::clean(std::string_view section) const {
  return std::none_of(found_.begin(), found_.end(), [&](const Mistake& each) { return each.section == section; });
}

std::string Mistakes::render(const std::filesystem::path& file) const {
  std::vector<Mistake> sorted = found_;
  std::stable_sort(sorted.begin(), sorted.end(), [](const Mistake& a, const Mistake& b) { return a.place < b.place; });
  const std::string name = file.empty() ? std::string("scenario") : file.string();
  std::string text;
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    if (i > 0) text += '\n';
    const Mistake& each = sorted[i];
    if (i == most_mistakes) {
      text += fmt::format("{}:{}:{}: and {} more mistakes from here on", name, each.place.line, each.place.column,
                          sorted.size() - i);
      break;
    }
    text += fmt::format("{}:{}:{}: {}", name, each.place.line, each.place.column, each.message);
  }
  return text;
}

Section::Section(const Node& node, std::string path, Mistakes& mistakes)
    : node_(&node), path_(std::move(path)), mistakes_(&mistakes) {
  assert(node.kind == NodeKind::table);
  const std::vector<std::string_view> known = names_in(path_);
  if (std::find(known.begin(), known.end(), "*") != known.end()) return;
  for (const Entry& entry : node.entries) {
    if (std::find(known.begin(), known.end(), entry.key) != known.end()) continue;
    mistakes.add(
        entry.place, full(entry.key),
        fmt::format("unknown key {}{}{}", in_quotes(entry.key),
                    path_.empty() ? std::string() : fmt::format(" in {}", path_), hint_for_unknown(entry.key, known)));
  }
}

std::string Section::full(std::string_view key) const {
  return path_.empty() ? std::string(key) : fmt::format("{}.{}", path_, key);
}

Place Section::place(std::string_view key) const {
  const Entry* entry = node_->find(key);
  return entry == nullptr ? node_->place : entry->value.place;
}

const Node* Section::get(std::string_view key, Type type, const Key*& row) {
  row = find_key(full(key));
  assert(row != nullptr && row->type == type && "a key without a row, or of another type");
  static_cast<void>(type);
  const Entry* entry = node_->find(key);
  return entry == nullptr ? nullptr : &entry->value;
}

void Section::wrong_type(const Node& node, const Key& row) {
  mistakes_->add(node.place, row.path,
                 fmt::format("{}: expected {}, got {}", row.path, describe_type(row), describe(node)));
}

void Section::mistake(std::string_view key, std::string message) {
  mistakes_->add(place(key), full(key), std::move(message));
}

void Section::mistake_at(Place place, std::string message) {
  mistakes_->add(place, path_, std::move(message));
}

bool Section::require(std::string_view key) {
  if (has(key)) return true;
  mistakes_->add(node_->place, full(key), fmt::format("{} is missing", full(key)));
  return false;
}

void Section::require_all(std::initializer_list<std::string_view> keys) {
  for (const std::string_view key : keys) static_cast<void>(require(key));
}

void Section::exclusive(std::string_view a, std::string_view b, std::string_view why) {
  const Entry* first = node_->find(a);
  const Entry* second = node_->find(b);
  if (first == nullptr || second == nullptr) return;
  if (second->place < first->place) std::swap(first, second);
  mistakes_->add(second->place, full(second->key),
                 fmt::format("{} contradicts {}: {}", in_quotes(second->key), in_quotes(first->key), why));
}

std::optional<std::string> Section::text(std::string_view key) {
  const Key* row = find_key(full(key));
  const Node* node = get(key, row != nullptr && row->type == Type::path ? Type::path : Type::text, row);
  if (node == nullptr) return std::nullopt;
  if (node->kind != NodeKind::text) {
    wrong_type(*node, *row);
    return std::nullopt;
  }
  if (node->text.find('\0') != std::string::npos) {
    mistake(key, fmt::format("{}: a NUL character cannot stand in a text", row->path));
    return std::nullopt;
  }
  return node->text;
}

std::optional<bool> Section::boolean(std::string_view key) {
  const Key* row = nullptr;
  const Key* known = find_key(full(key));
  const Node* node = get(key, known != nullptr && known->type == Type::protection ? known->type : Type::boolean, row);
  if (node == nullptr) return std::nullopt;
  if (node->kind == NodeKind::boolean) return node->boolean;
  wrong_type(*node, *row);
  return std::nullopt;
}

std::optional<std::uint64_t> Section::bounded(const Node& node, const Key& row, std::uint64_t value) {
  if (value >= row.least && value <= row.most) return value;
  wrong_type(node, row);
  return std::nullopt;
}

std::optional<std::uint64_t> Section::integer(std::string_view key) {
  const Key* row = nullptr;
  const Node* node = get(key, Type::integer, row);
  if (node == nullptr) return std::nullopt;
  if (node->kind != NodeKind::integer || node->integer < 0) {
    wrong_type(*node, *row);
    return std::nullopt;
  }
  return bounded(*node, *row, static_cast<std::uint64_t>(node->integer));
}

std::optional<std::uint64_t> Section::number_in(const Node& node, const Key& row) {
  if (node.kind == NodeKind::integer && node.integer >= 0) return static_cast<std::uint64_t>(node.integer);
  if (node.kind == NodeKind::text) {
    const Result<std::uint64_t> value = parse_size(node.text);
    if (value) return *value;
    mistakes_->add(node.place, row.path, fmt::format("{}: {} is no number of 64 bits", row.path, in_quotes(node.text)));
    return std::nullopt;
  }
  wrong_type(node, row);
  return std::nullopt;
}

std::optional<std::uint64_t> Section::number(std::string_view key) {
  const Key* row = nullptr;
  const Node* node = get(key, Type::number, row);
  return node == nullptr ? std::nullopt : number_in(*node, *row);
}

std::optional<std::uint64_t> Section::size(std::string_view key) {
  const Key* row = nullptr;
  const Node* node = get(key, Type::size, row);
  if (node == nullptr) return std::nullopt;
  if (node->kind == NodeKind::integer && node->integer >= 0) {
    return bounded(*node, *row, static_cast<std::uint64_t>(node->integer));
  }
  if (node->kind == NodeKind::text) {
    const Result<std::uint64_t> value = parse_size(node->text);
    if (value) return bounded(*node, *row, *value);
    mistake(key, fmt::format("{}: {}", row->path, value.error().message));
    return std::nullopt;
  }
  wrong_type(*node, *row);
  return std::nullopt;
}

std::optional<std::int64_t> Section::signed_size(std::string_view key) {
  const Key* row = nullptr;
  const Node* node = get(key, Type::signed_size, row);
  if (node == nullptr) return std::nullopt;
  if (node->kind == NodeKind::integer) return node->integer;
  if (node->kind == NodeKind::text) {
    const bool negative = node->text.starts_with('-');
    const Result<std::uint64_t> value = parse_size(std::string_view(node->text).substr(negative ? 1 : 0));
    if (value && *value <= static_cast<std::uint64_t>(INT64_MAX)) {
      return negative ? -static_cast<std::int64_t>(*value) : static_cast<std::int64_t>(*value);
    }
    mistake(key, fmt::format("{}: {}", row->path,
                             value ? fmt::format("{} is too large", in_quotes(node->text)) : value.error().message));
    return std::nullopt;
  }
  wrong_type(*node, *row);
  return std::nullopt;
}

std::optional<double> Section::share(std::string_view key) {
  const Key* row = nullptr;
  const Node* node = get(key, Type::share, row);
  if (node == nullptr) return std::nullopt;
  const double value = node->kind == NodeKind::real      ? node->real
                       : node->kind == NodeKind::integer ? static_cast<double>(node->integer)
                                                         : std::nan("");
  if (value > 0 && value <= 1) return value;
  wrong_type(*node, *row);
  return std::nullopt;
}

std::optional<std::size_t> Section::word_of(const Node& node, const Key& row) {
  if (node.kind == NodeKind::text) {
    const auto found = std::find(row.words.begin(), row.words.end(), node.text);
    if (found != row.words.end()) return static_cast<std::size_t>(found - row.words.begin());
    mistakes_->add(node.place, row.path,
                   fmt::format("{}: expected {}, got {}{}", row.path, describe_type(row), in_quotes(node.text),
                               did_you_mean(node.text, row.words)));
    return std::nullopt;
  }
  wrong_type(node, row);
  return std::nullopt;
}

std::optional<std::size_t> Section::way(std::string_view key, std::string& path) {
  constexpr std::string_view prefix = "reader:";
  const Key* row = nullptr;
  const Node* node = get(key, Type::way, row);
  if (node == nullptr) return std::nullopt;
  if (node->kind != NodeKind::text || !node->text.starts_with(prefix)) return word_of(*node, *row);
  path = node->text.substr(prefix.size());
  if (path.empty() || path.find('\0') != std::string::npos) {
    mistake(key, fmt::format("{}: {} names no file; write \"reader:./LIB.so\"", row->path, in_quotes(node->text)));
    return std::nullopt;
  }
  return row->words.size();
}

std::optional<std::size_t> Section::word(std::string_view key) {
  const Key* row = nullptr;
  const Node* node = get(key, Type::word, row);
  return node == nullptr ? std::nullopt : word_of(*node, *row);
}

std::optional<CountRange> Section::count(std::string_view key) {
  const Key* row = nullptr;
  const Node* node = get(key, Type::count, row);
  if (node == nullptr) return std::nullopt;
  if (node->kind == NodeKind::integer && node->integer >= 0) {
    return CountRange{static_cast<std::uint64_t>(node->integer), static_cast<std::uint64_t>(node->integer)};
  }
  if (node->kind != NodeKind::table) {
    wrong_type(*node, *row);
    return std::nullopt;
  }
  static constexpr std::array<std::string_view, 2> bounds{"at_least", "at_most"};
  CountRange range;
  bool good = !node->entries.empty();
  if (!good) mistake(key, fmt::format("{}: expected at_least, at_most or both, got an empty table", row->path));
  for (const Entry& entry : node->entries) {
    if (entry.key != bounds[0] && entry.key != bounds[1]) {
      mistakes_->add(entry.place, row->path,
                     fmt::format("unknown key {} in {}{}", in_quotes(entry.key), row->path,
                                 hint_for_unknown(entry.key, {bounds.begin(), bounds.end()})));
      good = false;
    } else if (entry.value.kind != NodeKind::integer || entry.value.integer < 0) {
      mistakes_->add(
          entry.value.place, row->path,
          fmt::format("{}.{}: expected integer, at least 0, got {}", row->path, entry.key, describe(entry.value)));
      good = false;
    } else {
      (entry.key == bounds[0] ? range.least : range.most) = static_cast<std::uint64_t>(entry.value.integer);
    }
  }
  if (good && range.least > range.most) {
    mistake(key, fmt::format("{}: at_least {} is more than at_most {}", row->path, range.least, range.most));
    good = false;
  }
  return good ? std::optional(range) : std::nullopt;
}

std::optional<Section> Section::table(std::string_view key) {
  const Key* row = nullptr;
  const Node* node = get(key, Type::table, row);
  if (node == nullptr) return std::nullopt;
  if (node->kind == NodeKind::table) return Section(*node, full(key), *mistakes_);
  wrong_type(*node, *row);
  return std::nullopt;
}

std::vector<Section> Section::tables(std::string_view key) {
  const Key* row = nullptr;
  const Key* known = find_key(full(key));
  const Node* node =
      get(key, known != nullptr && known->type == Type::protection ? known->type : Type::table_list, row);
  std::vector<Section> sections;
  if (node == nullptr) return sections;
  if (node->kind != NodeKind::array) {
    mistake(key, fmt::format("{}: expected {}, got {}{}", row->path, describe_type(*row), describe(*node),
                             node->kind == NodeKind::table && path_.empty()
                                 ? fmt::format("; write [[{}]] with two brackets", row->path)
                                 : std::string()));
    return sections;
  }
  for (const Node& item : node->items) {
    if (item.kind == NodeKind::table) {
      sections.emplace_back(item, full(key) + "[]", *mistakes_);
    } else {
      wrong_type(item, *row);
    }
  }
  return sections;
}

std::vector<const Node*> Section::texts(std::string_view key) {
  const Key* row = nullptr;
  const Node* node = get(key, Type::text_list, row);
  std::vector<const Node*> texts;
  if (node == nullptr) return texts;
  if (node->kind != NodeKind::array) {
    wrong_type(*node, *row);
    return texts;
  }
  for (const Node& item : node->items) {
    if (item.kind == NodeKind::text && !item.text.empty()) {
      texts.push_back(&item);
    } else {
      wrong_type(item, *row);
    }
  }
  return texts;
}

std::vector<std::uint64_t> Section::numbers(std::string_view key, std::size_t most) {
  const Key* row = nullptr;
  const Node* node = get(key, Type::number_list, row);
  std::vector<std::uint64_t> numbers;
  if (node == nullptr) return numbers;
  if (node->kind != NodeKind::array) {
    wrong_type(*node, *row);
    return numbers;
  }
  if (node->items.size() > most) {
    mistake(key, fmt::format("{}: expected at most {} numbers, got {}", row->path, most, node->items.size()));
    return numbers;
  }
  for (const Node& item : node->items) numbers.push_back(number_in(item, *row).value_or(0));
  return numbers;
}

const std::vector<Node>* Section::list(std::string_view key) {
  const Key* row = find_key(full(key));
  assert(row != nullptr);
  const Node* node = get(key, row->type, row);
  if (node == nullptr) return nullptr;
  if (node->kind == NodeKind::array) return &node->items;
  wrong_type(*node, *row);
  return nullptr;
}

const Node* Section::any(std::string_view key) {
  const Entry* entry = node_->find(key);
  return entry == nullptr ? nullptr : &entry->value;
}

}  // namespace dumpsim::scenario
