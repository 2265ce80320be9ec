// SPDX-License-Identifier: Apache-2.0
// The names of results, as expectations and reports spell them.
#include "scenario/scenario.hpp"
#include "scenario/words.hpp"

namespace dumpsim::scenario {

static_assert(words::outcome.size() == static_cast<std::size_t>(Outcome::count_));
static_assert(words::recovered.size() == static_cast<std::size_t>(Recovered::count_));

std::string_view name_of(Outcome outcome) {
  const auto index = static_cast<std::size_t>(outcome);
  return index < words::outcome.size() ? words::outcome[index] : std::string_view("unknown");
}

std::string_view name_of(Recovered recovered) {
  const auto index = static_cast<std::size_t>(recovered);
  return index < words::recovered.size() ? words::recovered[index] : std::string_view("unknown");
}

}  // namespace dumpsim::scenario
