// SPDX-License-Identifier: Apache-2.0
// For every key of the table: text that is accepted and text that is refused, with the place and the words of the
// mistake. A key without both fails examples_test, so that a new key brings its examples along.
#pragma once

#include <string_view>
#include <vector>

namespace dumpsim::scenario {

struct Accepted {
  std::string_view key;
  std::string_view text;
};

struct Refused {
  std::string_view key;
  std::string_view text;
  std::string_view place;    ///< "line:column"
  std::string_view message;  ///< a part of it
};

const std::vector<Accepted>& accepted_examples();
const std::vector<Refused>& refused_examples();

}  // namespace dumpsim::scenario
