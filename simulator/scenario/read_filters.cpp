// SPDX-License-Identifier: Apache-2.0
// [[filter]] and [[driver]]: images, names and registry parameters. No image is opened here.
#include <fmt/format.h>

#include <algorithm>

#include "base/text.hpp"
#include "scenario/sections.hpp"
#include "scenario/services.hpp"
#include "scenario/words.hpp"
#include "trace/layout.hpp"

namespace dumpsim::scenario {
namespace {

constexpr std::size_t longest_name = 64;  // a service name may have 256 characters, a trace column has not

std::string name_of_image(std::string_view image) {
  std::string_view name = image.substr(image.rfind('/') + 1);
  for (const std::string_view extension : {".so", ".sys", ".dll"}) {
    if (name.size() > extension.size() && name.ends_with(extension))
      return std::string(name.substr(0, name.size() - extension.size()));
  }
  return std::string(name);
}

void read_parameters(Section parameters, Service& into) {
  for (const Entry& entry : parameters.node().entries) {
    RegistryEdit value;
    if (!read_registry_entry(parameters, entry, "parameter", value)) continue;
    if (value.what == RegistryEdit::What::no_value) {
      parameters.mistake_at(entry.value.place,
                            fmt::format("parameter {}: no value is there that could be absent; leave "
                                        "it out",
                                        in_quotes(entry.key)));
      continue;
    }
    into.parameters[entry.key] = std::move(value.value);
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
  if (!is_module_name(into.name)) {
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

/// How many images the trace has room for. Filters have two instances each, dump_NAME and hiber_NAME.
std::size_t images_of(const Reading& reading) {
  return 2 * reading.scenario.filters.size() + reading.scenario.drivers.size();
}

/// Said once, of the first table that is too many.
void check_room(Section& section, const Reading& reading, std::size_t before, std::string_view kind) {
  if (images_of(reading) <= trace::max_images || before > trace::max_images) return;
  section.mistake("image", fmt::format("{}[].image: one [[{}]] too many: a scenario has room for {} images, of which a "
                                       "filter takes two (dump_NAME and hiber_NAME) and a driver one",
                                       kind, kind, std::size_t{trace::max_images}));
}

/// `protects = false` says what is the default.
void read_protects(Section& section, Filter& into) {
  const Node* node = section.any("protects");
  if (node == nullptr) return;
  if (node->kind != NodeKind::array) {
    into.protects_all = section.boolean("protects").value_or(false);
    return;
  }
  if (node->items.empty()) {
    section.mistake("protects", "filter[].protects: the list is empty; leave it out, or write protects = false");
  }
  for (Section& part : section.tables("protects")) {
    part.require_all({"offset", "size"});
    const auto offset = part.size("offset");
    const auto size = part.size("size");
    if (offset && size) into.protects.emplace_back(PartitionOffset{*offset}, *size);
  }
}

}  // namespace

void read_filters(Reading& reading) {
  for (Section& section : reading.top.tables("filter")) {
    Filter filter = read_service(section, reading, reading.scenario.filters, "filter");
    if (const auto redirects = section.boolean("redirects")) filter.redirects = *redirects;
    const std::size_t before = images_of(reading);
    read_protects(section, filter);
    reading.scenario.filters.push_back(std::move(filter));
    check_room(section, reading, before, "filter");
  }
}

void read_drivers(Reading& reading) {
  for (Section& section : reading.top.tables("driver")) {
    Driver driver = read_service(section, reading, reading.scenario.drivers, "driver");
    if (const auto start = section.word("start")) driver.start = static_cast<Driver::Start>(*start);
    driver.attach_to_volume = section.word("attach").has_value();
    const std::size_t before = images_of(reading);
    reading.scenario.drivers.push_back(std::move(driver));
    check_room(section, reading, before, "driver");
  }
}

bool is_module_name(std::string_view text) {
  return !text.empty() && text.size() <= longest_name && text != "." && text != ".." &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
                  c == '.';
         });
}

}  // namespace dumpsim::scenario
