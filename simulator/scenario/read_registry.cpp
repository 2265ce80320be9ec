// SPDX-License-Identifier: Apache-2.0
// [registry], and the values that filters' parameters and [expect] write the same way. The type follows from the form
// where that is plain; a table says it where it is not.
#include <fmt/format.h>

#include <algorithm>

#include "base/text.hpp"
#include "scenario/sections.hpp"
#include "trace/registry_words.hpp"

namespace dumpsim::scenario {
namespace {

constexpr std::string_view hex_prefix = "hex:";

Result<std::uint64_t> unsigned_of(const Node& node) {
  if (node.kind == NodeKind::integer) {
    if (node.integer < 0)
      return Error{fmt::format("{} is negative; numbers of the registry have no sign", node.integer)};
    return static_cast<std::uint64_t>(node.integer);
  }
  // TOML's integers end at 2^63.
  if (node.kind == NodeKind::text) {
    if (Result<std::uint64_t> value = parse_size(node.text)) return *value;
  }
  return Error{fmt::format("expected an integer, got {}", describe(node))};
}

Result<void> list_of(const Node& node, std::vector<std::string>& into) {
  for (const Node& item : node.items) {
    if (item.kind != NodeKind::text)
      return Error{fmt::format("a list is a REG_MULTI_SZ of texts, got {}", describe(item))};
    if (item.text.empty() || item.text.find('\0') != std::string::npos) {
      return Error{"an empty text or a NUL character would end a REG_MULTI_SZ"};
    }
    into.push_back(item.text);
  }
  return {};
}

Result<void> text_of(const Node& node, bool expand, RegistryValue& into) {
  if (node.text.find('\0') != std::string::npos) return Error{"a NUL character ends a REG_SZ; use \"hex:…\""};
  into = RegistryValue::text(node.text, expand);
  return {};
}

/// Any type may be given by its bytes, well formed or not: a filter has to cope with what a registry holds.
Result<bool> bytes_of(const Node& node, std::uint32_t type, RegistryValue& into) {
  if (node.kind != NodeKind::text || !node.text.starts_with(hex_prefix)) return false;
  Result<std::vector<std::byte>> bytes = parse_hex(std::string_view(node.text).substr(hex_prefix.size()));
  if (!bytes) return Error{bytes.error().message};
  into = {type, std::move(*bytes)};
  return true;
}

Result<void> typed_value(const Node& node, std::uint32_t type, RegistryValue& into) {
  const Result<bool> given = bytes_of(node, type, into);
  if (!given) return given.error();
  if (*given) return {};
  const auto wrong = [&](std::string_view expected) {
    return Error{fmt::format("a {} is {}, got {}", trace::registry_type_name(type), expected, describe(node))};
  };
  switch (type) {
    case trace::reg_dword:
    case trace::reg_qword: {
      const Result<std::uint64_t> value = unsigned_of(node);
      if (!value) return value.error();
      if (type == trace::reg_qword) {
        into = RegistryValue::qword(*value);
        return {};
      }
      if (*value > UINT32_MAX)
        return Error{fmt::format("{:#x} does not fit in a REG_DWORD; write a REG_QWORD", *value)};
      into = RegistryValue::dword(static_cast<std::uint32_t>(*value));
      return {};
    }
    case trace::reg_sz:
    case trace::reg_expand_sz:
      if (node.kind != NodeKind::text) return wrong("a text");
      return text_of(node, type == trace::reg_expand_sz, into);
    case trace::reg_multi_sz: {
      if (node.kind != NodeKind::array) return wrong("a list of texts");
      std::vector<std::string> texts;
      if (auto read = list_of(node, texts); !read) return read;
      into = RegistryValue::list(texts);
      return {};
    }
    default:
      return wrong("bytes, \"hex:…\"");
  }
}

Result<void> table_value(const Node& node, RegistryEdit& into) {
  const Entry* absent = node.find("absent");
  const Entry* type = node.find("type");
  const Entry* value = node.find("value");
  constexpr std::string_view forms = "expected { type = \"REG_…\", value = … } or { absent = true }";
  if (absent != nullptr) {
    if (node.entries.size() != 1 || absent->value.kind != NodeKind::boolean || !absent->value.boolean) {
      return Error{std::string(forms)};
    }
    into.what = RegistryEdit::What::no_value;
    return {};
  }
  if (type == nullptr || value == nullptr || node.entries.size() != 2) return Error{std::string(forms)};
  if (type->value.kind != NodeKind::text)
    return Error{fmt::format("type: expected a text, got {}", describe(type->value))};
  const auto number = trace::find_registry_type(type->value.text);
  if (!number) {
    return Error{fmt::format("{} is no type of the registry{}", in_quotes(type->value.text),
                             did_you_mean(type->value.text, trace::all_registry_types()))};
  }
  return typed_value(value->value, *number, into.value);
}

Result<void> read_value(const Node& node, RegistryEdit& into) {
  switch (node.kind) {
    case NodeKind::integer: {
      const Result<std::uint64_t> value = unsigned_of(node);
      if (!value) return value.error();
      return typed_value(node, *value <= UINT32_MAX ? trace::reg_dword : trace::reg_qword, into.value);
    }
    case NodeKind::text:
      return typed_value(node, node.text.starts_with(hex_prefix) ? trace::reg_binary : trace::reg_sz, into.value);
    case NodeKind::array:
      return typed_value(node, trace::reg_multi_sz, into.value);
    case NodeKind::table:
      return table_value(node, into);
    case NodeKind::boolean:
      return Error{"the registry has no booleans; expected 0 or 1"};
    default:
      return Error{
          fmt::format("expected integer (REG_DWORD, REG_QWORD), text (REG_SZ), list of texts (REG_MULTI_SZ), \"hex:…\" "
                      "(REG_BINARY) or a table of type and value, got {}",
                      describe(node))};
  }
}

}  // namespace

bool read_registry_entry(Section& section, const Entry& entry, std::string_view what, RegistryEdit& into) {
  constexpr std::size_t longest_name = 255;
  if (entry.key.size() > longest_name || entry.key.find_first_of(std::string_view("\0\\", 2)) != std::string::npos ||
      (entry.key.empty() && what == "parameter")) {
    section.mistake_at(entry.place,
                       fmt::format("{} is no name of a registry value; expected 1 to {} characters without "
                                   "backslash",
                                   in_quotes(entry.key), longest_name));
    return false;
  }
  into.name = entry.key;
  into.line = entry.value.place.line;
  into.column = entry.value.place.column;
  if (auto read = read_value(entry.value, into); !read) {
    section.mistake_at(entry.value.place, fmt::format("{} {}: {}", what, in_quotes(entry.key), read.error().message));
    return false;
  }
  return true;
}

void read_registry_keys(Section& section, std::vector<RegistryEdit>& into) {
  const bool seed = section.path() == "registry";
  for (const Entry& key : section.node().entries) {
    if (seed && key.key == "file") continue;
    const Result<std::string> path = registry_path(key.key);
    if (!path) {
      section.mistake_at(key.place, fmt::format("{}: {}", section.path(), path.error().message));
      continue;
    }
    if (key.value.kind != NodeKind::table) {
      section.mistake_at(key.value.place,
                         fmt::format("{}.*: expected a table of values, got {}", section.path(), describe(key.value)));
      continue;
    }
    RegistryEdit made;
    made.what = RegistryEdit::What::key;
    made.key = *path;
    made.line = key.place.line;
    made.column = key.place.column;
    // A key of which only values are expected to be absent need not be there itself.
    const bool only_absent = !key.value.entries.empty() &&
                             std::all_of(key.value.entries.begin(), key.value.entries.end(), [](const Entry& entry) {
                               return entry.value.kind == NodeKind::table && entry.value.find("absent") != nullptr;
                             });
    if (!only_absent) into.push_back(made);
    for (const Entry& entry : key.value.entries) {
      RegistryEdit edit;
      edit.key = *path;
      if (!read_registry_entry(section, entry, "value", edit)) continue;
      const std::string wrong = seed ? wrong_registry_value(edit) : std::string();
      if (!wrong.empty())
        section.mistake_at(entry.value.place, fmt::format("value {}: {}", in_quotes(entry.key), wrong));
      into.push_back(std::move(edit));
    }
  }
}

void read_registry(Reading& reading) {
  auto registry = reading.top.table("registry");
  if (!registry) return;
  Registry& into = reading.scenario.registry;
  if (const auto file = registry->text("file")) {
    if (file->empty()) registry->mistake("file", "registry.file: expected a path, got an empty text");
    into.file = reading.folder / *file;
    into.line = registry->place("file").line;
    into.column = registry->place("file").column;
  }
  read_registry_keys(*registry, into.edits);
}

}  // namespace dumpsim::scenario
