// SPDX-License-Identifier: Apache-2.0
#include "scenario/registry.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "base/text.hpp"
#include "base/utf16.hpp"
#include "scenario/document.hpp"
#include "trace/registry_words.hpp"

namespace dumpsim::scenario {
namespace {

constexpr std::size_t longest_key_name = 255;  // characters [doc]
constexpr std::size_t deepest_key = 512;       // levels [doc]

std::vector<std::byte> bytes_of(std::u16string_view units) {
  std::vector<std::byte> bytes(units.size() * sizeof(char16_t));
  if (!bytes.empty()) std::memcpy(bytes.data(), units.data(), bytes.size());
  return bytes;
}

bool same_without_case(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [&](char x, char y) { return lower(x) == lower(y); });
}

struct Root {
  std::string_view written;
  std::string_view path;
};
constexpr std::array roots{
    Root{"HKEY_LOCAL_MACHINE", "\\Registry\\Machine"},
    Root{"HKLM", "\\Registry\\Machine"},
    Root{"HKEY_USERS", "\\Registry\\User"},
    Root{"HKU", "\\Registry\\User"},
    Root{"HKEY_CLASSES_ROOT", "\\Registry\\Machine\\Software\\Classes"},
    Root{"HKCR", "\\Registry\\Machine\\Software\\Classes"},
    Root{"HKEY_CURRENT_CONFIG", "\\Registry\\Machine\\System\\CurrentControlSet\\Hardware Profiles\\Current"},
};

/// A value whose type matters to the machine that is played. `key` is below the control set; "*" is any one name.
struct KnownValue {
  std::string_view key;
  std::string_view name;
  std::uint32_t type;
};
constexpr std::array known_values{
    KnownValue{"Control\\CrashControl", "DumpFilters", trace::reg_multi_sz},
    KnownValue{"Control\\CrashControl", "CrashDumpEnabled", trace::reg_dword},
    KnownValue{"Control\\CrashControl", "FilterPages", trace::reg_dword},
    KnownValue{"Control\\CrashControl", "AutoReboot", trace::reg_dword},
    KnownValue{"Control\\CrashControl", "LogEvent", trace::reg_dword},
    KnownValue{"Control\\CrashControl", "Overwrite", trace::reg_dword},
    KnownValue{"Control\\CrashControl", "DumpFile", trace::reg_expand_sz},
    KnownValue{"Control\\CrashControl", "MinidumpDir", trace::reg_expand_sz},
    KnownValue{"Services\\*", "Start", trace::reg_dword},
    KnownValue{"Services\\*", "Type", trace::reg_dword},
    KnownValue{"Services\\*", "ErrorControl", trace::reg_dword},
    KnownValue{"Services\\*", "ImagePath", trace::reg_expand_sz},
};

/// The part of a path below the current control set, or nothing.
std::string_view below_control_set(std::string_view path) {
  for (const std::string_view set :
       {"\\Registry\\Machine\\System\\CurrentControlSet\\", "\\Registry\\Machine\\System\\ControlSet001\\"}) {
    if (path.size() > set.size() && same_without_case(path.substr(0, set.size()), set)) return path.substr(set.size());
  }
  return {};
}

bool matches(std::string_view key, std::string_view pattern) {
  if (!pattern.ends_with('*')) return same_without_case(key, pattern);
  pattern.remove_suffix(1);
  return key.size() > pattern.size() && same_without_case(key.substr(0, pattern.size()), pattern) &&
         key.find('\\', pattern.size()) == std::string_view::npos;
}

}  // namespace

RegistryValue RegistryValue::dword(std::uint32_t value) {
  const auto bytes = std::as_bytes(std::span(&value, 1));
  return {trace::reg_dword, {bytes.begin(), bytes.end()}};
}

RegistryValue RegistryValue::qword(std::uint64_t value) {
  const auto bytes = std::as_bytes(std::span(&value, 1));
  return {trace::reg_qword, {bytes.begin(), bytes.end()}};
}

RegistryValue RegistryValue::text(std::string_view value, bool expand) {
  std::u16string units = to_utf16(value);
  units.push_back(u'\0');
  return {expand ? trace::reg_expand_sz : trace::reg_sz, bytes_of(units)};
}

RegistryValue RegistryValue::list(std::span<const std::string> values) {
  std::u16string units;
  for (const std::string& value : values) {
    units += to_utf16(value);
    units.push_back(u'\0');
  }
  units.push_back(u'\0');
  return {trace::reg_multi_sz, bytes_of(units)};
}

RegistryValue RegistryValue::binary(std::span<const std::byte> value) {
  return {trace::reg_binary, {value.begin(), value.end()}};
}

Result<std::string> registry_path(std::string_view written) {
  const std::size_t end = std::min(written.find('\\'), written.size());
  std::string path;
  if (written.starts_with('\\')) {
    path = written;
    const bool machine = path.size() > 18 && same_without_case(path.substr(0, 18), "\\Registry\\Machine\\");
    const bool user = path.size() > 15 && same_without_case(path.substr(0, 15), "\\Registry\\User\\");
    if (!machine && !user) {
      return Error{
          fmt::format("{} is no key; expected \\Registry\\Machine\\… or \\Registry\\User\\…", in_quotes(written))};
    }
  } else {
    const std::string_view root = written.substr(0, end);
    if (same_without_case(root, "HKEY_CURRENT_USER") || same_without_case(root, "HKCU")) {
      return Error{fmt::format("{}: no user is logged on while drivers load; write HKEY_USERS\\… with the user's id",
                               in_quotes(root))};
    }
    const auto found = std::find_if(roots.begin(), roots.end(),
                                    [&](const Root& each) { return same_without_case(root, each.written); });
    if (found == roots.end()) {
      std::vector<std::string_view> names;
      names.reserve(roots.size());
      for (const Root& each : roots) names.push_back(each.written);
      const std::string hint = did_you_mean(root, names);
      return Error{fmt::format("{} is no root of the registry{}", in_quotes(root),
                               hint.empty() ? "; expected HKEY_LOCAL_MACHINE, HKLM or HKEY_USERS" : hint)};
    }
    path = std::string(found->path) + std::string(written.substr(end));
  }
  if (path.find('\0') != std::string::npos) return Error{"a key's name has no NUL character"};
  std::size_t levels = 0;
  for (std::size_t at = 1; at <= path.size(); ++levels) {
    const std::size_t stop = std::min(path.find('\\', at), path.size());
    if (stop == at) return Error{fmt::format("{} has an empty name between two backslashes", in_quotes(written))};
    if (to_utf16(std::string_view(path).substr(at, stop - at)).size() > longest_key_name) {
      return Error{fmt::format("the name of a key has at most {} characters", longest_key_name)};
    }
    at = stop + 1;
    if (stop + 1 == path.size()) return Error{fmt::format("{} ends in a backslash", in_quotes(written))};
  }
  if (levels > deepest_key) return Error{fmt::format("keys nest at most {} deep", deepest_key)};
  return path;
}

std::string wrong_registry_value(const RegistryEdit& edit) {
  if (edit.what != RegistryEdit::What::value) return {};
  const std::uint32_t type = edit.value.type;
  const std::string_view below = below_control_set(edit.key);
  for (const KnownValue& known : known_values) {
    if (!matches(below, known.key) || !same_without_case(edit.name, known.name)) continue;
    const bool text = known.type == trace::reg_expand_sz && type == trace::reg_sz;  // as good as the other [doc]
    if (type == known.type || text) break;
    return fmt::format("{} is a {}, got a {}", known.name, trace::registry_type_name(known.type),
                       trace::registry_type_name(type));
  }
  return {};
}

}  // namespace dumpsim::scenario
