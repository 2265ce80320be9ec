// SPDX-License-Identifier: Apache-2.0
// Matches what the filters were called for against what a scenario expects: `calls = ["DriverEntry", "DumpStart",
// "DumpWrite*", "DumpFinish"]`. Works on runs of calls, so a dump of a terabyte is judged as fast as one of a page.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "trace/layout.hpp"
#include "trace/record.hpp"

namespace dumpsim::trace {

class TraceView;

struct CallPatternItem {
  std::string filter;  ///< "xor" (all of its instances and the driver of that name), "dump_xor" or "hiber_xor" (that
                       ///< one); empty: any filter
  Callback callback = Callback::none;
  char repeat = 0;  ///< 0: exactly one; '*' zero or more, '+' one or more, '?' one or none
};

struct CallMatch {
  bool matched = false;
  std::string explanation;  ///< empty when matched; else the first mismatch, for a person, in one line
};

/// The whole sequence must match the whole pattern: the world is closed. A filter is an image whose name begins with
/// `dump_` or `hiber_`; an ordinary driver's calls count only where an item names it. A call that never returned counts
/// as a call.
/// - No item names a filter: the pattern holds for each filter by itself, for all calls of all its instances (dump_xor
///   and hiber_xor are both "xor") in the order they were entered. A filter that was loaded and never called has the
///   empty sequence. Without any filter only the empty pattern matches.
/// - Every item names a filter: the pattern holds for the interleaved calls of the named filters; others are not
///   looked at. A name that no loaded filter has is a mismatch.
/// - Some do: the pattern holds for the interleaved calls of all filters; an item without a name takes any of them.
/// `names` are the images' names by id; `missed` is how many calls the runs lack at the end: then nothing is judged.
CallMatch match_calls(std::span<const CallRun> runs, std::span<const CallPatternItem> pattern,
                      std::span<const std::string> names, std::uint64_t missed = 0);
CallMatch match_calls(const TraceView& view, std::span<const CallPatternItem> pattern);

/// "xor:DumpWrite*", as a scenario writes it.
std::string format_item(const CallPatternItem& item);

}  // namespace dumpsim::trace
