// SPDX-License-Identifier: Apache-2.0
// One process a scenario: forks, lets the child do its work, waits, and says how it ended. The child never returns from
// here, and never outlives the parent.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include <sys/types.h>

#include "base/result.hpp"
#include "stack/totals.hpp"

namespace dumpsim::engine {

struct ChildEnd {
  enum class How : std::uint8_t { finished, exited, killed, stuck } how = How::finished;
  int detail = 0;  ///< exit status or signal number
};

/// Something that one process says once and others wait for, made before they are forked. It is no memory that a
/// stray write could reach.
class Signal {
 public:
  static Result<Signal> create();
  Signal() = default;
  ~Signal();
  Signal(Signal&& other) noexcept;
  Signal& operator=(Signal&& other) noexcept;
  void give() const;
  /// At once when it has been given.
  void await() const;

 private:
  friend class Child;
  int fd_ = -1;
};

/// One forked child. Killed if nobody has waited for its end.
class Child {
 public:
  /// Lets a child do `work`. It may make system calls: what runs drivers raises machine/system_calls.hpp's walls first.
  static Result<Child> start(const std::function<void()>& work);
  Child() = default;
  ~Child();
  Child(Child&& other) noexcept;
  Child& operator=(Child&& other) noexcept;

  /// Waits for the end, once. `watch` is called several times a second meanwhile. A child whose totals show a callback
  /// that makes no progress is killed after `stuck_seconds` asleep, or of processor time if it computes (its own timer
  /// ends such a child first, unless the filter took that away). Waiting for a processor does not count: the same run
  /// comes out the same on a busy machine.
  ChildEnd wait(const stack::Totals& totals, std::uint32_t stuck_seconds, const std::function<void()>& watch);
  /// The same until the child gives `said`, which is long before the system has taken it down; the end when it comes
  /// first.
  std::optional<ChildEnd> wait_until(const Signal& said, const stack::Totals& totals, std::uint32_t stuck_seconds);

 private:
  std::optional<ChildEnd> follow(const stack::Totals& totals, std::uint32_t stuck_seconds,
                                 const std::function<void()>& watch, int said);
  pid_t pid_ = -1;
  int handle_ = -1;  // of the process; none where the kernel has no such thing
};

}  // namespace dumpsim::engine
