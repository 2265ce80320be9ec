// SPDX-License-Identifier: Apache-2.0
// A trace for programs: one JSON object a line, keys and their order from the event table (event_table.hpp), the same
// bytes from run to run and from compiler to compiler. docs/trace.md documents every key.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "trace/reader.hpp"

namespace dumpsim::trace {

/// Calls `sink` once per event, in order, with a line that ends in a newline. A view that was cut ends with a line
/// `{"event":"note","text":...}`.
void write_jsonl(const TraceView& view, const std::function<void(std::string_view line)>& sink);
std::string to_jsonl(const TraceView& view);

}  // namespace dumpsim::trace
