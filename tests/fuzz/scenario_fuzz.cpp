// SPDX-License-Identifier: Apache-2.0
// Scenarios come from strangers too. Any bytes give a scenario the engine can rely on, or mistakes with a place each.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "../scenario/invariants.hpp"
#include "scenario/scenario.hpp"

namespace {

[[noreturn]] void fail(const char* what, std::string_view detail) {
  std::fprintf(stderr, "%s: %.*s\n", what, static_cast<int>(detail.size()), detail.data());
  std::abort();
}

/// "x.toml:LINE:COLUMN: words" on every line.
void check_places(std::string_view message) {
  constexpr std::string_view name = "x.toml:";
  if (message.empty()) fail("no mistake is named", message);
  while (!message.empty()) {
    std::string_view line = message.substr(0, message.find('\n'));
    message.remove_prefix(line.size() < message.size() ? line.size() + 1 : line.size());
    if (!line.starts_with(name)) fail("a mistake without its file", line);
    line.remove_prefix(name.size());
    for (int part = 0; part < 2; ++part) {
      const std::size_t digits = line.find_first_not_of("0123456789");
      if (digits == 0 || digits >= line.size() || line[digits] != ':' || line[0] == '0')
        fail("a mistake without its place", line);
      line.remove_prefix(digits + 1);
    }
    if (line.size() < 2 || line[0] != ' ') fail("a mistake without words", line);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(bytes), size);
  const auto scenario = dumpsim::scenario::parse(text, "x.toml");
  if (!scenario) {
    check_places(scenario.error().message);
  } else if (const std::string_view broken = dumpsim::scenario::broken_invariant(*scenario); !broken.empty()) {
    fail("the scenario breaks what the engine relies on", broken);
  }
  return 0;
}
