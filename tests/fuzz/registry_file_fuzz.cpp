// SPDX-License-Identifier: Apache-2.0
// Registry files come from strangers. Any bytes give edits below a root with names that fit, or mistakes with a place.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "scenario/registry.hpp"
#include "trace/registry_words.hpp"

namespace {

[[noreturn]] void fail(const char* what, std::string_view detail) {
  std::fprintf(stderr, "%s: %.*s\n", what, static_cast<int>(detail.size()), detail.data());
  std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(bytes), size);
  const auto edits = dumpsim::scenario::parse_registry_file(text, "x.reg");
  if (!edits) {
    if (!edits.error().message.starts_with("x.reg:")) fail("a mistake without its place", edits.error().message);
    return 0;
  }
  for (const auto& edit : *edits) {
    if (!edit.key.starts_with("\\") || edit.key.ends_with("\\")) fail("a key that is no path", edit.key);
    if (edit.line == 0 || edit.column == 0) fail("an edit without its place", edit.key);
    if (dumpsim::trace::registry_data_words(edit.value.type, edit.value.bytes).size() > 210)
      fail("words too long", edit.key);
    if (const std::string wrong = wrong_registry_value(edit); !wrong.empty()) fail("a wrong value got through", wrong);
  }
  return 0;
}
