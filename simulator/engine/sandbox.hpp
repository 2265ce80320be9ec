// SPDX-License-Identifier: Apache-2.0
// One process a scenario: forks, lets the child do its work, waits, and says how it ended. The child never returns from
// here, and never outlives the parent.
#pragma once

#include <cstdint>
#include <functional>

#include "base/result.hpp"
#include "stack/totals.hpp"

namespace dumpsim::engine {

struct ChildEnd {
  enum class How : std::uint8_t { finished, exited, killed, stuck } how = How::finished;
  int detail = 0;  ///< exit status or signal number
};

/// Runs `work` in a forked child and waits. The child may make system calls: what runs drivers raises
/// machine/system_calls.hpp's walls first. `watch` is called several times a second while the child runs. A child
/// whose totals show a callback that makes no progress is killed after `stuck_seconds` asleep, or of processor time if
/// it computes (its own timer ends such a child first, unless the filter took that away). Waiting for a processor does
/// not count: the same run comes out the same on a busy machine.
Result<ChildEnd> run_in_child(const std::function<void()>& work, const stack::Totals& totals,
                              std::uint32_t stuck_seconds, const std::function<void()>& watch);

}  // namespace dumpsim::engine
