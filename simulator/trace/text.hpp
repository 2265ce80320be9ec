// SPDX-License-Identifier: Apache-2.0
// A trace for people: nested as the calls were, aligned in columns, a callback in one line when nothing happened inside
// it, repeats folded. Streamed line by line, since a trace may be as large as its limit.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "trace/reader.hpp"

namespace dumpsim::trace {

struct TextOptions {
  bool colour = false;  ///< ANSI: what went wrong in red, warnings and disabled filters in yellow
};

/// Calls `sink` once per line, in order; each ends in a newline and holds no other control character but colours.
void write_text(const TraceView& view, const std::function<void(std::string_view line)>& sink,
                TextOptions options = {});
std::string to_text(const TraceView& view, TextOptions options = {});

}  // namespace dumpsim::trace
