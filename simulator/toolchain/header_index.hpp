// SPDX-License-Identifier: Apache-2.0
// Which header of the kit declares a name: what a message about an undeclared one has to say. Made by reading the
// headers' text, not by compiling it, so that it can answer for a source that does not compile.
#pragma once

#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace dumpsim::toolchain {

class HeaderIndex {
 public:
  /// Reads every header of `folder` (include/wdk) and of its ddi/. Fails when there is none.
  static Result<HeaderIndex> read(const std::filesystem::path& folder);

  /// The header a driver includes for `name`: "ntddk.h"; empty when none declares it.
  std::string header_of(std::string_view name) const;
  /// The headers a driver may include, sorted.
  const std::vector<std::string>& headers() const { return headers_; }
  /// Every declared name, for "did you mean".
  std::vector<std::string_view> names() const;

 private:
  std::map<std::string, std::string, std::less<>> header_of_;
  std::vector<std::string> headers_;
};

/// What the text of one header declares: macros, functions, types, tags, enumerators, variables; not parameters and not
/// members. A pure function, for HeaderIndex and its test.
std::set<std::string> declared_names(std::string_view text);

}  // namespace dumpsim::toolchain
