// SPDX-License-Identifier: Apache-2.0
// What an oracle says, before it is a violation in the trace.
#pragma once

#include <cstdint>
#include <string>

#include "trace/changed_bytes.hpp"
#include "trace/record.hpp"
#include "trace/rules.hpp"

namespace dumpsim::engine {

struct OracleFinding {
  trace::Rule rule{};
  std::uint16_t image = trace::no_image;  ///< whose doing it is, as far as that is known
  trace::Callback callback = trace::Callback::none;
  std::string detail;
  trace::ChangedBytes bytes = {};  ///< empty when there is nothing to show
};

}  // namespace dumpsim::engine
