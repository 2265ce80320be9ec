// SPDX-License-Identifier: Apache-2.0
// The sidecar's text. nlohmann's DOM forgets where a value stood and lets a repeated key win silently, so keys are
// watched while parsing and every value is fetched by a path that goes into the message.
#include "disk/layout.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "base/file.hpp"
#include "base/text.hpp"
#include "disk/backends.hpp"

namespace dumpsim::disk {
namespace {

using Json = nlohmann::json;

constexpr std::uint64_t version = 1;
constexpr std::uint64_t largest_sidecar = std::uint64_t{64} << 20;
constexpr int deepest = 8;  // the format has three levels
constexpr std::array<std::string_view, 9> top_keys{"version",          "sector_size",    "disk_size",
                                                   "partition_start",  "partition_size", "dump_file",
                                                   "hibernation_file", "dump_log",       "shift"};
constexpr std::array<std::string_view, 2> extent_keys{"offset", "bytes"};

struct FileKey {
  std::string_view key;
  std::vector<Extent> Layout::*extents;
};
constexpr std::array<FileKey, 3> file_keys{{
    {"dump_file", &Layout::dump_file},
    {"hibernation_file", &Layout::hibernation_file},
    {"dump_log", &Layout::dump_log},
}};

/// LINE:COLUMN of a byte, both from 1.
std::string place_of(std::string_view text, std::size_t byte) {
  text = text.substr(0, std::min(byte, text.size()));
  const auto line = std::count(text.begin(), text.end(), '\n') + 1;
  const std::size_t start = text.rfind('\n') == std::string_view::npos ? 0 : text.rfind('\n') + 1;
  return fmt::format("{}:{}", line, text.size() - start + 1);
}

/// Text to a DOM whose keys are unique and whose depth is bounded.
Result<Json> parse_json(std::string_view text, std::string_view name) {
  std::vector<std::set<std::string>> open;
  std::string repeated;
  bool too_deep = false;
  const auto watch = [&](int depth, Json::parse_event_t event, Json& value) {
    if (depth > deepest) too_deep = true;
    if (event == Json::parse_event_t::object_start) open.emplace_back();
    if (event == Json::parse_event_t::object_end) open.pop_back();
    if (event == Json::parse_event_t::key && !open.back().insert(value.get<std::string>()).second && repeated.empty()) {
      repeated = value.get<std::string>();
    }
    return !too_deep;
  };
  try {
    Json json = Json::parse(text.begin(), text.end(), watch);
    if (too_deep) return Error{fmt::format("{}: nested more than {} levels deep", name, deepest)};
    if (!repeated.empty()) return Error{fmt::format("{}: {}: given twice; expected once", name, repeated)};
    return json;
  } catch (const Json::parse_error& error) {
    return Error{fmt::format("{}:{}: this is no JSON; expected the layout of a disk", name,
                             place_of(text, error.byte > 0 ? error.byte - 1 : 0))};
  } catch (const Json::exception&) {
    // A number that no type holds.
    return Error{fmt::format("{}: this is no JSON that can be read; expected the layout of a disk", name)};
  }
}

/// Fetches values by key; the first mistake stays, later fetches give zeros.
class Reader {
 public:
  explicit Reader(std::string_view name) : name_(name) {}

  template <std::size_t N>
  void check_keys(const Json& object, const std::string& path, const std::array<std::string_view, N>& known) {
    if (!object.is_object()) return fail(path.empty() ? "the whole" : path, "expected an object");
    for (const auto& [key, value] : object.items()) {
      if (std::find(known.begin(), known.end(), key) == known.end()) {
        fail(path_to(path, key), "unknown key" + did_you_mean(key, known));
      }
    }
  }

  const Json* find(const Json& object, const std::string& path, std::string_view key) {
    if (!object.is_object()) return nullptr;
    const auto found = object.find(std::string(key));
    if (found != object.end()) return &*found;
    fail(path_to(path, key), "missing");
    return nullptr;
  }

  std::uint64_t count(const Json& object, const std::string& path, std::string_view key) {
    const Json* value = find(object, path, key);
    if (value == nullptr) return 0;
    if (value->is_number_unsigned()) return value->get<std::uint64_t>();
    fail(path_to(path, key), "expected a whole number of bytes, not negative and below 2^64");
    return 0;
  }

  std::int64_t signed_count(const Json& object, std::string_view key) {
    const Json* value = find(object, "", key);
    if (value == nullptr) return 0;
    const bool fits = value->is_number_integer() &&
                      (!value->is_number_unsigned() ||
                       value->get<std::uint64_t>() <= std::uint64_t{std::numeric_limits<std::int64_t>::max()});
    if (fits) return value->get<std::int64_t>();
    fail(std::string(key), "expected a whole number of bytes that fits in 64 bits with a sign");
    return 0;
  }

  std::vector<Extent> extents(const Json& object, std::string_view key) {
    const Json* value = find(object, "", key);
    if (value == nullptr) return {};
    if (!value->is_array() || value->size() > most_extents) {
      fail(std::string(key), fmt::format("expected a list of at most {} extents", most_extents));
      return {};
    }
    std::vector<Extent> list;
    list.reserve(value->size());
    for (const Json& each : *value) {
      const std::string path = fmt::format("{}[{}]", key, list.size());
      check_keys(each, path, extent_keys);
      const PartitionOffset at{count(each, path, "offset")};
      list.push_back({at, count(each, path, "bytes")});
      if (error_) break;
    }
    return list;
  }

  void fail(const std::string& key, const std::string& what) {
    if (!error_) error_ = Error{fmt::format("{}: {}: {}", name_, key, what)};
  }

  const std::optional<Error>& error() const { return error_; }

 private:
  static std::string path_to(const std::string& path, std::string_view key) {
    return path.empty() ? std::string(key) : fmt::format("{}.{}", path, key);
  }
  std::string_view name_;
  std::optional<Error> error_;
};

}  // namespace

Result<void> check_layout(const Layout& layout) {
  if (layout.sector_size != 512 && layout.sector_size != 4096) {
    return Error{fmt::format("sector_size: {}; expected 512 or 4096", layout.sector_size)};
  }
  if (auto checked = check_geometry(layout.disk_size, layout.sector_size); !checked) {
    return Error{fmt::format("disk_size: {}", checked.error().message)};
  }
  const std::uint64_t start = layout.partition_start.bytes;
  if (start % layout.sector_size != 0 || start >= layout.disk_size) {
    return Error{fmt::format("partition_start: {}; expected a multiple of {} below the disk size {}", start,
                             layout.sector_size, layout.disk_size)};
  }
  if (layout.partition_size == 0 || layout.partition_size % layout.sector_size != 0 ||
      layout.partition_size > layout.disk_size - start) {
    return Error{fmt::format("partition_size: {}; expected a multiple of {} from {} to {}", layout.partition_size,
                             layout.sector_size, layout.sector_size, layout.disk_size - start)};
  }
  if (layout.shift % std::int64_t{layout.sector_size} != 0) {
    return Error{fmt::format("shift: {}; expected a multiple of the sector size {}", layout.shift, layout.sector_size)};
  }
  std::vector<Extent> all;
  for (const FileKey& file : file_keys) {
    const std::vector<Extent>& extents = layout.*file.extents;
    auto map = ExtentMap::make(file.key, extents, layout.partition_size, layout.sector_size);
    if (!map) return map.error();
    all.insert(all.end(), extents.begin(), extents.end());
  }
  if (all.size() > most_extents) {
    return Error{fmt::format("dump_file, hibernation_file, dump_log: {} extents in all; at most {} are taken",
                             all.size(), most_extents)};
  }
  auto together = ExtentMap::make("dump_file, hibernation_file, dump_log", std::move(all), layout.partition_size,
                                  layout.sector_size);
  if (!together) return together.error();
  return {};
}

std::filesystem::path layout_path(const std::filesystem::path& image) {
  std::filesystem::path path = image;
  path += ".layout.json";
  return path;
}

std::string layout_text(const Layout& layout) {
  std::string text = fmt::format(
      "{{\n  \"version\": {},\n  \"sector_size\": {},\n  \"disk_size\": {},\n  \"partition_start\": {},\n"
      "  \"partition_size\": {},\n",
      version, layout.sector_size, layout.disk_size, layout.partition_start.bytes, layout.partition_size);
  for (const FileKey& file : file_keys) {
    fmt::format_to(std::back_inserter(text), "  \"{}\": [", file.key);
    const char* before = "\n";
    for (const Extent& each : layout.*file.extents) {
      fmt::format_to(std::back_inserter(text), "{}    {{\"offset\": {}, \"bytes\": {}}}", before, each.at.bytes,
                     each.bytes);
      before = ",\n";
    }
    text += (layout.*file.extents).empty() ? "],\n" : "\n  ],\n";
  }
  fmt::format_to(std::back_inserter(text), "  \"shift\": {}\n}}\n", layout.shift);
  return text;
}

Result<Layout> parse_layout(std::string_view text, std::string_view name) {
  auto parsed = parse_json(text, name);
  if (!parsed) return parsed.error();
  const Json& json = *parsed;
  Reader reader(name);
  // First of all, so that a later version is told as such and not by the keys it brought.
  if (json.is_object()) {
    const std::uint64_t given = reader.count(json, "", "version");
    if (given != version) reader.fail("version", fmt::format("{}; expected {}", given, version));
  }
  reader.check_keys(json, "", top_keys);
  Layout layout;
  const std::uint64_t sector_size = reader.count(json, "", "sector_size");
  if (sector_size != 512 && sector_size != 4096) {
    reader.fail("sector_size", fmt::format("{}; expected 512 or 4096", sector_size));
  }
  layout.sector_size = static_cast<std::uint32_t>(sector_size);
  layout.disk_size = reader.count(json, "", "disk_size");
  layout.partition_start.bytes = reader.count(json, "", "partition_start");
  layout.partition_size = reader.count(json, "", "partition_size");
  for (const FileKey& file : file_keys) layout.*file.extents = reader.extents(json, file.key);
  layout.shift = reader.signed_count(json, "shift");
  if (reader.error()) return *reader.error();
  if (auto checked = check_layout(layout); !checked) {
    return Error{fmt::format("{}: {}", name, checked.error().message)};
  }
  return layout;
}

Result<NewFile> new_layout(const std::filesystem::path& image, const Layout& layout, bool replace) {
  const auto path = layout_path(image);
  if (auto checked = check_layout(layout); !checked) {
    return Error{fmt::format("{}: {}", path.string(), checked.error().message)};
  }
  auto made = NewFile::create(path, replace);
  if (!made) return made;
  if (auto written = made->fill(layout_text(layout)); !written) return written.error();
  return made;
}

Result<Layout> read_layout(const std::filesystem::path& image) {
  const auto path = layout_path(image);
  auto text = read_text(path, largest_sidecar);
  if (!text) return text.error();
  return parse_layout(*text, path.string());
}

}  // namespace dumpsim::disk
