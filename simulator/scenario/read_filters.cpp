// SPDX-License-Identifier: Apache-2.0
// [[filter]] and [[driver]]: images, names and registry parameters. No image is opened here.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "scenario/sections.hpp"
#include "scenario/words.hpp"

namespace dumpsim::scenario {
namespace {

constexpr std::size_t longest_name = 64;  // a service name may have 256 characters, a trace column has not

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= longest_name && text != "." && text != ".." &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
                  c == '.';
         });
}

std::string name_of_image(std::string_view image) {
  std::string_view name = image.substr(image.rfind('/') + 1);
  for (const std::string_view extension : {".so", ".sys", ".dll"}) {
    if (name.size() > extension.size() && name.ends_with(extension))
      return std::string(name.substr(0, name.size() - extension.size()));
  }
  return std::string(name);
}

/// A registry value, or a message. Set in place: GCC 12's sanitizer build takes a moved variant for uninitialised.
Result<void> read_parameter(const Node& node, ParameterValue& into) {
  switch (node.kind) {
    case NodeKind::integer:
      if (node.integer < 0)
        return Error{fmt::format("{} is negative; REG_DWORD and REG_QWORD have no sign", node.integer)};
      if (node.integer <= UINT32_MAX) {
        into.emplace<std::uint32_t>(static_cast<std::uint32_t>(node.integer));
      } else {
        into.emplace<std::uint64_t>(static_cast<std::uint64_t>(node.integer));
      }
      return {};
    case NodeKind::text: {
      if (node.text.find('\0') != std::string::npos) return Error{"a NUL character ends a REG_SZ; use \"hex:…\""};
      if (!node.text.starts_with("hex:")) {
        into.emplace<std::string>(node.text);
        return {};
      }
      Result<std::vector<std::byte>> bytes = parse_hex(std::string_view(node.text).substr(4));
      if (!bytes) return Error{bytes.error().message};
      into.emplace<std::vector<std::byte>>(std::move(*bytes));
      return {};
    }
    case NodeKind::array: {
      std::vector<std::string> texts;
      for (const Node& item : node.items) {
        if (item.kind != NodeKind::text)
          return Error{fmt::format("a list is a REG_MULTI_SZ of texts, got {}", describe(item))};
        if (item.text.empty() || item.text.find('\0') != std::string::npos) {
          return Error{"an empty text or a NUL character would end a REG_MULTI_SZ"};
        }
        texts.push_back(item.text);
      }
      into.emplace<std::vector<std::string>>(std::move(texts));
      return {};
    }
    case NodeKind::boolean:
      return Error{"the registry has no booleans; expected 0 or 1"};
    default:
      return Error{
          fmt::format("expected integer (REG_DWORD, REG_QWORD), text (REG_SZ), list of texts (REG_MULTI_SZ) or "
                      "\"hex:…\" (REG_BINARY), got {}",
                      describe(node))};
  }
}

void read_parameters(Section parameters, Service& into) {
  for (const Entry& entry : parameters.node().entries) {
    if (entry.key.empty() || entry.key.size() > 255 ||
        entry.key.find_first_of(std::string_view("\0\\", 2)) != std::string::npos) {
      parameters.mistake_at(entry.place, fmt::format("{} is no name of a registry value; expected 1 to 255 characters "
                                                     "without backslash",
                                                     in_quotes(entry.key)));
      continue;
    }
    if (auto read = read_parameter(entry.value, into.parameters[entry.key]); !read) {
      into.parameters.erase(entry.key);
      parameters.mistake_at(entry.value.place,
                            fmt::format("parameter {}: {}", in_quotes(entry.key), read.error().message));
    }
  }
}

/// `kind` is "filter" or "driver", as the table is called.
template <class Kind>
void read_name(Section& section, Kind& into, const std::vector<Kind>& before, std::string_view kind) {
  if (const auto name = section.text("name")) {
    into.name = *name;
  } else {
    into.name = name_of_image(into.image);
  }
  const std::string_view key = section.has("name") ? "name" : "image";
  if (!is_name(into.name)) {
    section.mistake(key,
                    fmt::format("{}[].{}: {} is no module name; expected up to {} letters, digits, \"_\", \"-\" "
                                "and \".\"{}",
                                kind, key, in_quotes(into.name), longest_name, key == "image" ? "; give a name" : ""));
    return;
  }
  // Module names do not differ by case alone [doc: object names are case-insensitive].
  const auto same = [&](const Service& other) {
    return std::equal(other.name.begin(), other.name.end(), into.name.begin(), into.name.end(), [](char a, char b) {
      const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; };
      return lower(a) == lower(b);
    });
  };
  if (std::any_of(before.begin(), before.end(), same)) {
    section.mistake(key, fmt::format("a {} named {} stands before this one; give this one another name", kind,
                                     in_quotes(into.name)));
  }
}

/// What filters and drivers have in common.
template <class Kind>
Kind read_service(Section& section, Reading& reading, const std::vector<Kind>& before, std::string_view kind) {
  Kind service;
  service.folder = reading.folder;
  section.require_all({"image"});
  if (const auto image = section.text("image")) {
    service.image = *image;
    service.line = section.place("image").line;
    service.column = section.place("image").column;
    if (image->empty() || image->ends_with('/')) {
      section.mistake("image", fmt::format("{}[].image: {} names no file; expected a name such as \"xor\" or a path "
                                           "with a slash",
                                           kind, in_quotes(*image)));
    } else {
      read_name(section, service, before, kind);
    }
  } else {
    static_cast<void>(section.text("name"));  // its own mistakes are said even so
  }
  if (const auto convention = section.word("convention")) {
    service.convention = static_cast<Convention>(*convention + static_cast<std::size_t>(Convention::system_v));
  }
  if (auto parameters = section.table("parameters")) read_parameters(*parameters, service);
  return service;
}

}  // namespace

void read_filters(Reading& reading) {
  for (Section& section : reading.top.tables("filter")) {
    Filter filter = read_service(section, reading, reading.scenario.filters, "filter");
    if (const auto redirects = section.boolean("redirects")) filter.redirects = *redirects;
    reading.scenario.filters.push_back(std::move(filter));
  }
}

void read_drivers(Reading& reading) {
  for (Section& section : reading.top.tables("driver")) {
    Driver driver = read_service(section, reading, reading.scenario.drivers, "driver");
    if (const auto start = section.word("start")) driver.start = static_cast<Driver::Start>(*start);
    driver.attach_to_volume = section.word("attach").has_value();
    reading.scenario.drivers.push_back(std::move(driver));
  }
}

}  // namespace dumpsim::scenario
