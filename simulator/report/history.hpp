// SPDX-License-Identifier: Apache-2.0
// What led to a finding: the trace up to its first violation, without what drivers did in between.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "engine/run.hpp"
#include "trace/reader.hpp"

namespace dumpsim::report {

struct Step {
  std::string words;        ///< "DumpWrite of dump_xor: 8 KiB at 0xb000"
  std::uint32_t depth = 0;  ///< how many callbacks it happened inside of

  bool operator==(const Step&) const = default;
};

/// Of findings[which], in order, the violation last. Empty when the trace does not hold it: of several places in a
/// callback with the same words it holds the first. A long one is cut in the middle, and a step says so.
std::vector<Step> history_of(const trace::TraceView& view, std::span<const engine::Finding> findings,
                             std::size_t which);

inline constexpr std::size_t longest_history = 64;

}  // namespace dumpsim::report
