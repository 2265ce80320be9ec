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

/// The filter once more, under a name of its own.
Node renamed(Node filter) {
  const Entry* name = filter.find("name");
  const Entry* image = filter.find("image");
  const std::string old = name != nullptr    ? name->value.text
                          : image != nullptr ? name_of_image(image->value.text)
                                             : std::string();
  Node text;
  text.kind = NodeKind::text;
  text.text = old + std::string(again);
  std::erase_if(filter.entries, [](const Entry& entry) { return entry.key == "name"; });
  filter.entries.push_back({"name", {}, std::move(text)});
  std::ranges::sort(filter.entries, {}, &Entry::key);
  return filter;
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

Result<std::string> service_tables_of(const std::filesystem::path& file, bool twice) {
  Result<std::string> text = read_text(file, largest_file);
  if (!text) return std::move(text).error();
  if (auto scenario = parse(*text, file); !scenario) return scenario.error();
  Node root;
  SyntaxError error;
  if (!parse_document(*text, root, error)) return Error{error.message};
  std::error_code ignored;
  const std::filesystem::path folder = std::filesystem::absolute(file, ignored).parent_path();
  std::string result;
  for (const std::string_view name : carried) {
    const Entry* entry = root.find(name);
    if (entry == nullptr) continue;
    Node node = entry->value;
    make_absolute(node, folder);
    if (node.kind == NodeKind::table) {
      std::erase_if(node.entries, [](const Entry& each) { return each.key == "keep"; });
      result += table(name, node, false);
    }
    for (const Node& item : node.items) result += table(name, item, true);
    if (twice && name == "filter") {
      for (const Node& item : node.items) result += table(name, renamed(item), true);
    }
  }
  return result;
}

}  // namespace dumpsim::scenario
