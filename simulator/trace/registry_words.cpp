// SPDX-License-Identifier: Apache-2.0
#include "trace/registry_words.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#include "base/utf16.hpp"
#include "trace/utf8.hpp"

namespace dumpsim::trace {
namespace {

constexpr std::array<std::string_view, 12> names{"REG_NONE",
                                                 "REG_SZ",
                                                 "REG_EXPAND_SZ",
                                                 "REG_BINARY",
                                                 "REG_DWORD",
                                                 "REG_DWORD_BIG_ENDIAN",
                                                 "REG_LINK",
                                                 "REG_MULTI_SZ",
                                                 "REG_RESOURCE_LIST",
                                                 "REG_FULL_RESOURCE_DESCRIPTOR",
                                                 "REG_RESOURCE_REQUIREMENTS_LIST",
                                                 "REG_QWORD"};

std::u16string units_of(std::span<const std::byte> bytes) {
  std::u16string text(bytes.size() / sizeof(char16_t), u'\0');
  if (!text.empty()) std::memcpy(text.data(), bytes.data(), text.size() * sizeof(char16_t));
  return text;
}

std::string quoted(std::u16string_view text) {
  std::string words = "\"";
  for (const char c : printable(to_utf8(text))) {
    if (c == '"') words += '\\';
    words += c;
  }
  return words + '"';
}

std::string in_hex(std::span<const std::byte> bytes) {
  std::string words = "\"hex:";
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    fmt::format_to(std::back_inserter(words), "{}{:02x}", i == 0 ? "" : " ", static_cast<unsigned>(bytes[i]));
  }
  return words + '"';
}

/// A list as it has to be: strings that are not empty, each ended, and an end behind the last.
bool split_list(const std::u16string& text, std::vector<std::u16string_view>& strings) {
  std::u16string_view rest = text;
  while (!rest.empty() && rest.front() != 0) {
    const std::size_t end = rest.find(u'\0');
    if (end == std::u16string_view::npos) return false;
    strings.push_back(rest.substr(0, end));
    rest.remove_prefix(end + 1);
  }
  return rest.size() == 1;
}

std::string words_of(std::uint32_t type, std::span<const std::byte> bytes) {
  switch (type) {
    case reg_dword:
    case reg_qword: {
      if (bytes.size() != (type == reg_dword ? 4u : 8u)) break;
      std::uint64_t value = 0;
      std::memcpy(&value, bytes.data(), bytes.size());
      return value < 10 ? std::to_string(value) : fmt::format("{:#x}", value);
    }
    case reg_sz:
    case reg_expand_sz: {
      const std::u16string text = units_of(bytes);
      if (bytes.size() % 2 != 0 || text.find(u'\0') != text.size() - 1) break;
      return quoted(std::u16string_view(text).substr(0, text.size() - 1));
    }
    case reg_multi_sz: {
      const std::u16string text = units_of(bytes);
      std::vector<std::u16string_view> strings;
      if (bytes.size() % 2 != 0 || !split_list(text, strings)) break;
      std::string words = "[";
      for (const std::u16string_view string : strings) words += (words.size() == 1 ? "" : ", ") + quoted(string);
      return words + ']';
    }
    default:
      break;
  }
  return in_hex(bytes);
}

}  // namespace

std::span<const std::string_view> all_registry_types() {
  return names;
}

std::string registry_type_name(std::uint32_t type) {
  return type < names.size() ? std::string(names[type]) : fmt::format("type {:#x}", type);
}

std::optional<std::uint32_t> find_registry_type(std::string_view name) {
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) return std::nullopt;
  return static_cast<std::uint32_t>(found - names.begin());
}

std::string registry_data_words(std::uint32_t type, std::span<const std::byte> bytes, std::size_t most) {
  // Every form takes at most three characters a byte, so that longer data than this cannot be shown whole anyway.
  const bool longer = bytes.size() > most;
  std::string words = longer ? in_hex(bytes.first(most / 3)) : words_of(type, bytes);
  if (!longer && words.size() <= most) return words;
  words.resize(utf8_prefix(words, most).size());
  return words + "…";
}

}  // namespace dumpsim::trace
