// SPDX-License-Identifier: Apache-2.0
#include "scenario/services.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <system_error>

#include "base/file.hpp"
#include "scenario/document.hpp"
#include "scenario/scenario.hpp"
#include "trace/utf8.hpp"

namespace dumpsim::scenario {
namespace {

constexpr std::array<std::string_view, 5> carried{"filter", "driver", "device", "registry", "files"};
constexpr std::uint64_t largest_file = std::uint64_t{1} << 20;
constexpr std::string_view again = "_again";

std::string in_toml(std::string_view text) {
  std::string result = "\"";
  for (const char c : text) {
    const auto value = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      result += '\\';
      result += c;
    } else if (value < 0x20 || value == 0x7f) {
      result += fmt::format("\\u{:04x}", value);
    } else {
      result += c;
    }
  }
  return result + '"';
}

std::string key(std::string_view text) {
  const bool bare = !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
  return bare ? std::string(text) : in_toml(text);
}

std::string inline_value(const Node& node) {
  std::string text;
  switch (node.kind) {
    case NodeKind::table:
      for (const Entry& entry : node.entries)
        text += fmt::format("{}{} = {}", text.empty() ? "" : ", ", key(entry.key), inline_value(entry.value));
      return "{ " + text + " }";
    case NodeKind::array:
      for (const Node& item : node.items) text += (text.empty() ? "" : ", ") + inline_value(item);
      return "[" + text + "]";
    case NodeKind::text:
      return in_toml(node.text);
    case NodeKind::integer:
      return std::to_string(node.integer);
    case NodeKind::real:
      return fmt::format("{:#}", node.real);
    case NodeKind::boolean:
      return node.boolean ? "true" : "false";
    case NodeKind::date:
      break;  // no key of a scenario is one
  }
  return "\"\"";
}

/// What is relative to the scenario's folder stays where it is.
void make_absolute(Node& node, const std::filesystem::path& folder) {
  for (Entry& entry : node.entries) {
    Node& value = entry.value;
    const bool path = entry.key == "file" || (entry.key == "image" && value.text.find('/') != std::string::npos);
    if (path && value.kind == NodeKind::text && std::filesystem::path(value.text).is_relative())
      value.text = (folder / value.text).lexically_normal().string();
    make_absolute(value, folder);
  }
  for (Node& item : node.items) make_absolute(item, folder);
}

std::string name_of_image(const std::filesystem::path& image) {
  return image.stem().string();
}

std::string table(std::string_view name, const Node& node, bool of_list) {
  std::string text = of_list ? fmt::format("[[{}]]\n", name) : fmt::format("[{}]\n", name);
  for (const Entry& entry : node.entries) text += fmt::format("{} = {}\n", key(entry.key), inline_value(entry.value));
  return text + "\n";
}

std::string name_of_filter(const Node& filter) {
  const Entry* name = filter.find("name");
  const Entry* image = filter.find("image");
  return name != nullptr ? name->value.text : image != nullptr ? name_of_image(image->value.text) : std::string();
}

void set_text(Node& filter, std::string key, std::string value) {
  Node text;
  text.kind = NodeKind::text;
  text.text = std::move(value);
  std::erase_if(filter.entries, [&](const Entry& entry) { return entry.key == key; });
  filter.entries.push_back({std::move(key), {}, std::move(text)});
  std::ranges::sort(filter.entries, {}, &Entry::key);
}

/// The filter once more, under a name of its own.
Node renamed(Node filter) {
  set_text(filter, "name", name_of_filter(filter) + std::string(again));
  return filter;
}

std::string tables_of(const Node& root, bool twice) {
  std::string text;
  for (const std::string_view name : carried) {
    const Entry* entry = root.find(name);
    if (entry == nullptr) continue;
    if (entry->value.kind == NodeKind::table) text += table(name, entry->value, false);
    for (const Node& item : entry->value.items) text += table(name, item, true);
    if (!twice || name != "filter") continue;
    for (const Node& item : entry->value.items) text += table(name, renamed(item), true);
  }
  return text;
}

/// As the registry compares names.
bool same_name(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; };
  return std::ranges::equal(a, b, {}, lower, lower);
}

Node number(std::uint64_t value) {
  Node node;
  node.kind = NodeKind::integer;
  node.integer = static_cast<std::int64_t>(value);
  return node;
}

Node of_text(std::string_view text) {
  Node node;
  node.kind = NodeKind::text;
  node.text = text;
  return node;
}

/// In place of what is there under this name, however it is spelt.
void put(Node& table, std::string_view name, Node value) {
  std::erase_if(table.entries, [&](const Entry& each) { return same_name(each.key, name); });
  table.entries.push_back({std::string(name), {}, std::move(value)});
  std::ranges::sort(table.entries, {}, &Entry::key);
}

Node& child_of(Node& table, std::string_view name) {
  if (table.find(name) == nullptr) put(table, name, {});
  return std::ranges::find(table.entries, name, &Entry::key)->value;
}

std::string parameters_key(std::string_view service) {
  return fmt::format("\\Services\\{}\\Parameters", service);
}

bool is_parameters_key(std::string_view key, std::string_view service) {
  const std::string end = parameters_key(service);
  return key.size() > end.size() && same_name(key.substr(key.size() - end.size()), end);
}

/// What [registry] or its file says of the value would win over a filter's parameters.
void put_into_registry(Node& registry, std::string_view service, std::string_view name, const Node& value) {
  for (Entry& key : registry.entries) {
    if (key.value.kind != NodeKind::table || !is_parameters_key(key.key, service)) continue;
    std::erase_if(key.value.entries, [&](const Entry& each) { return same_name(each.key, name); });
  }
  put(child_of(registry, "HKLM\\SYSTEM\\CurrentControlSet" + parameters_key(service)), name, value);
}

}  // namespace

std::string service_tables(const std::vector<std::filesystem::path>& filters,
                           const std::vector<std::filesystem::path>& drivers, bool twice, std::string_view name) {
  std::string text;
  std::error_code ignored;
  const auto place = [&ignored](const std::filesystem::path& image) {
    return in_toml(std::filesystem::absolute(image, ignored).lexically_normal().string());
  };
  const auto filter = [&](const std::filesystem::path& image, const std::string& its_name) {
    text += fmt::format("[[filter]]\nimage = {}\n", place(image));
    if (!its_name.empty()) text += fmt::format("name = {}\n", in_toml(its_name));
    text += "\n";
  };
  for (const auto& image : filters) filter(image, std::string(name));
  if (twice) {
    for (const auto& image : filters)
      filter(image, (name.empty() ? name_of_image(image) : std::string(name)) + std::string(again));
  }
  for (const auto& image : drivers) text += fmt::format("[[driver]]\nimage = {}\n\n", place(image));
  return text;
}

namespace {

/// The carried tables, with paths made absolute.
Result<Node> carried_of(const std::filesystem::path& file) {
  Result<std::string> text = read_text(file, largest_file);
  if (!text) return std::move(text).error();
  if (auto scenario = parse(*text, file); !scenario) return scenario.error();
  Node root;
  SyntaxError error;
  if (!parse_document(*text, root, error)) return Error{error.message};
  std::error_code ignored;
  const std::filesystem::path folder = std::filesystem::absolute(file, ignored).parent_path();
  for (Entry& entry : root.entries) {
    if (std::ranges::find(carried, entry.key) == carried.end()) continue;
    make_absolute(entry.value, folder);
    if (entry.value.kind == NodeKind::table)
      std::erase_if(entry.value.entries, [](const Entry& each) { return each.key == "keep"; });
  }
  return root;
}

}  // namespace

Result<std::string> service_tables_of(const std::filesystem::path& file, bool twice) {
  const auto root = carried_of(file);
  return root ? Result<std::string>(tables_of(*root, twice)) : root.error();
}

Result<std::string> service_tables_of(const std::filesystem::path& file, bool twice, const std::filesystem::path& image,
                                      const std::string& name) {
  auto root = carried_of(file);
  if (!root) return root.error();
  const auto filters = std::ranges::find(root->entries, "filter", &Entry::key);
  std::vector<Node>* const all = filters == root->entries.end() ? nullptr : &filters->value.items;
  Node* meant = all != nullptr && all->size() == 1 ? &all->front() : nullptr;
  for (std::size_t i = 0; all != nullptr && i < all->size(); ++i) {
    if (same_name(name_of_filter((*all)[i]), name)) meant = &(*all)[i];
  }
  if (meant == nullptr) {
    return Error{
        fmt::format("{}: no [[filter]] is called {}, and there is not just one; expected the one whose builds "
                    "are compared",
                    file.string(), in_quotes(name))};
  }
  std::error_code ignored;
  set_text(*meant, "image", std::filesystem::absolute(image, ignored).lexically_normal().string());
  set_text(*meant, "name", name);
  return tables_of(*root, twice);
}

Result<BoundedTables> BoundedTables::make(std::string_view tables, std::string parameter) {
  constexpr std::size_t longest_name = 255;  // as a filter's parameters are read
  if (parameter.empty() || parameter.size() > longest_name || trace::printable(parameter) != parameter ||
      parameter.find('\\') != std::string::npos) {
    return Error{fmt::format("{} is no name of a registry value; expected 1 to {} characters without backslash",
                             in_quotes(trace::printable(parameter)), longest_name)};
  }
  auto scenario = parse(tables, {});
  if (!scenario) return scenario.error();
  BoundedTables bounded;
  SyntaxError error;
  if (!parse_document(tables, bounded.root_, error)) return Error{error.message};
  for (const Filter& filter : scenario->filters) bounded.names_.push_back(filter.name);
  if (bounded.names_.empty()) return Error{"there is no [[filter]] that could be told where protection ends"};
  bounded.parameter_ = std::move(parameter);
  return bounded;
}

std::string BoundedTables::up_to(std::uint64_t end) const {
  Node root = root_;
  Node value;
  put(value, "type", of_text("REG_QWORD"));
  put(value, "value", number(end));
  Node range;
  put(range, "offset", number(0));
  put(range, "size", number(end));
  Node ranges;
  ranges.kind = NodeKind::array;
  ranges.items.push_back(range);
  for (Node& filter : child_of(root, "filter").items) {
    put(child_of(filter, "parameters"), parameter_, value);
    put(filter, "protects", ranges);
  }
  if (root.find("registry") != nullptr) {
    for (const std::string& name : names_) put_into_registry(child_of(root, "registry"), name, parameter_, value);
  }
  return tables_of(root, false);
}

}  // namespace dumpsim::scenario
