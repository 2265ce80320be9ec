// SPDX-License-Identifier: Apache-2.0
#include "stack/dump_filters.hpp"

#include <algorithm>
#include <cstring>
#include <string>

#include "base/utf16.hpp"
#include "kernel/registry.hpp"
#include "kernel/text.hpp"
#include "trace/registry_words.hpp"

namespace dumpsim::stack {

std::vector<FilterSpec> listed_filters(const kernel::Registry& registry, std::span<const FilterSpec> installed) {
  std::vector<FilterSpec> listed;
  const kernel::Registry::Key* key =
      registry.find(u"\\Registry\\Machine\\System\\CurrentControlSet\\Control\\CrashControl");
  const kernel::Registry::Value* value = key == nullptr ? nullptr : key->find_value(u"DumpFilters");
  if (value == nullptr || value->type != trace::reg_multi_sz) return listed;
  std::u16string text(value->bytes.size() / sizeof(char16_t), u'\0');
  if (!text.empty()) std::memcpy(text.data(), value->bytes.data(), text.size() * sizeof(char16_t));
  std::vector<std::u16string> seen;
  for (std::u16string_view rest = text; !rest.empty() && rest.front() != 0;) {
    const std::u16string file(rest.substr(0, rest.find(u'\0')));
    rest.remove_prefix(std::min(file.size() + 1, rest.size()));
    const auto same = [&](std::u16string_view other) { return kernel::equal_without_case(file, other); };
    if (std::any_of(seen.begin(), seen.end(), same)) continue;
    seen.push_back(file);
    const auto found = std::find_if(installed.begin(), installed.end(),
                                    [&](const FilterSpec& spec) { return same(to_utf16(spec.name + ".sys")); });
    if (found == installed.end()) {
      listed.push_back({.path = {}, .name = to_utf8(file)});
      continue;
    }
    const auto number = static_cast<std::uint16_t>(found - installed.begin());
    listed.push_back(*found);
    listed.back().ids = {number, static_cast<std::uint16_t>(installed.size() + number)};
  }
  return listed;
}

}  // namespace dumpsim::stack
