// SPDX-License-Identifier: Apache-2.0
// [files] and [expect.files]: what lies on the machine's system volume before and after. No file of the host is opened
// here.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "base/utf16.hpp"
#include "scenario/sections.hpp"

namespace dumpsim::scenario {
namespace {

constexpr std::string_view hex_prefix = "hex:";

bool starts_without_case(std::string_view text, std::string_view prefix) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; };
  return text.size() >= prefix.size() &&
         std::equal(prefix.begin(), prefix.end(), text.begin(), [&](char a, char b) { return lower(a) == lower(b); });
}

/// A path as people write it to one below the volume's root.
Result<std::string> path_on_volume(std::string_view written) {
  struct Prefix {
    std::string_view text, stands_for;
  };
  constexpr std::array prefixes{Prefix{"C:\\", "\\"}, Prefix{"\\??\\C:\\", "\\"}, Prefix{"\\DosDevices\\C:\\", "\\"},
                                Prefix{"\\SystemRoot\\", "\\Windows\\"}};
  const auto found = std::find_if(prefixes.begin(), prefixes.end(),
                                  [&](const Prefix& each) { return starts_without_case(written, each.text); });
  if (found == prefixes.end()) {
    return Error{fmt::format("{} is no path of the machine; expected C:\\… or \\SystemRoot\\…", in_quotes(written))};
  }
  std::string path = std::string(found->stands_for) + std::string(written.substr(found->text.size()));
  std::u16string units = to_utf16(path);
  for (std::size_t at = 1; at <= units.size();) {
    const std::size_t end = std::min(units.find(u'\\', at), units.size());
    const std::u16string name = units.substr(at, end - at);
    if (!is_file_name(name)) {
      return Error{
          fmt::format("{} has a part that is no file's name, {}", in_quotes(written), in_quotes(to_utf8(name)))};
    }
    at = end + 1;
    if (end + 1 == units.size()) return Error{fmt::format("{} ends in a backslash", in_quotes(written))};
  }
  return path;
}

std::vector<std::byte> bytes_of(std::string_view text) {
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

Result<void> read_text(const Node& node, FileSpec& into) {
  if (!node.text.starts_with(hex_prefix)) {
    into.content = bytes_of(node.text);
    return {};
  }
  Result<std::vector<std::byte>> bytes = parse_hex(std::string_view(node.text).substr(hex_prefix.size()));
  if (!bytes) return bytes.error();
  into.content = std::move(*bytes);
  return {};
}

Result<void> read_table(const Node& node, const Reading& reading, bool expected, FileSpec& into) {
  const std::string forms = expected ? "expected one of { file = \"…\" }, { utf16 = \"…\" }, { contains = \"…\" }, { "
                                       "folder = true }, { absent = true }"
                                     : "expected one of { file = \"…\" }, { utf16 = \"…\" }, { folder = true }";
  if (node.entries.size() != 1) return Error{forms};
  const Entry& entry = node.entries.front();
  const Node& value = entry.value;
  const bool yes = value.kind == NodeKind::boolean && value.boolean;
  const bool text = value.kind == NodeKind::text;
  using What = FileSpec::What;
  if (entry.key == "folder" && yes) {
    into.what = What::folder;
  } else if (entry.key == "file" && text && !value.text.empty()) {
    into.what = What::host_file;
    into.host = reading.folder / value.text;
  } else if (entry.key == "utf16" && text) {
    const std::u16string units = to_utf16(value.text);
    const auto bytes = std::as_bytes(std::span(units));
    into.content.assign(bytes.begin(), bytes.end());
  } else if (expected && entry.key == "absent" && yes) {
    into.what = What::absent;
  } else if (expected && entry.key == "contains" && text && !value.text.empty()) {
    into.what = What::contains;
    return read_text(value, into);
  } else {
    return Error{forms};
  }
  return {};
}

}  // namespace

void read_file_specs(Section& section, const Reading& reading, bool expected, std::vector<FileSpec>& into) {
  for (const Entry& entry : section.node().entries) {
    if (!expected && entry.key == "keep") continue;
    const Result<std::string> path = path_on_volume(entry.key);
    if (!path) {
      section.mistake_at(entry.place, fmt::format("{}: {}", section.path(), path.error().message));
      continue;
    }
    FileSpec spec;
    spec.path = *path;
    spec.line = entry.value.place.line;
    spec.column = entry.value.place.column;
    Result<void> read = entry.value.kind == NodeKind::text ? read_text(entry.value, spec)
                        : entry.value.kind == NodeKind::table
                            ? read_table(entry.value, reading, expected, spec)
                            : Error{fmt::format("expected text or table, got {}", describe(entry.value))};
    if (read) {
      into.push_back(std::move(spec));
    } else {
      section.mistake_at(entry.value.place, fmt::format("{}.*: {}", section.path(), read.error().message));
    }
  }
}

void read_files(Reading& reading) {
  auto files = reading.top.table("files");
  if (!files) return;
  if (const auto keep = files->text("keep")) {
    if (keep->empty()) files->mistake("keep", "files.keep: expected a path, got an empty text");
    reading.scenario.files.keep = reading.folder / *keep;
  }
  read_file_specs(*files, reading, false, reading.scenario.files.files);
}

}  // namespace dumpsim::scenario
