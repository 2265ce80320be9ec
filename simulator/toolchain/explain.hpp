// SPDX-License-Identifier: Apache-2.0
// Says of a name that a compiler or a linker did not know what a driver author wants to know: is it simulated at all,
// is there a near one, which header declares it, is it of a C library that a kernel does not have.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "toolchain/diagnostics.hpp"
#include "toolchain/header_index.hpp"

namespace dumpsim::toolchain {

/// What explanations are drawn from.
struct Known {
  std::vector<std::string> exports;  ///< what the import library of the way offers
  const HeaderIndex& headers;
  /// Names of the user's own folders, for a header that is there under another spelling: "Tcdefs.h" for "TCdefs.h".
  std::vector<std::string> own_headers;
};

/// One line: "driver.c:12: KeFoo, called in Write, is not simulated; did you mean \"KeBar\"?".
std::string explain(const MissingName& missing, const Known& known);

}  // namespace dumpsim::toolchain
