// SPDX-License-Identifier: Apache-2.0
// Lets one instruction read somewhere else than it says: for pages that a Windows kernel has at an address which no
// Linux process can map (KUSER_SHARED_DATA). The instruction itself is executed, so whatever it does (compare, vector
// load, string move) is done by the processor and need not be modelled.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/result.hpp"

namespace dumpsim::machine {

/// One at a time is under way: the copy runs before any other code of the thread does.
class Redirect {
 public:
  static Result<Redirect> create();
  Redirect(Redirect&&) noexcept;
  Redirect& operator=(Redirect&&) noexcept;
  ~Redirect();

  /// Edits the interrupted context (a ucontext_t*) so that the instruction at its rip runs with its access to
  /// [from, from + bytes) going to `to`, and then goes on behind itself. False, and nothing changed, when the
  /// instruction has no such access, is a branch, or cannot be rewritten (a gather). Async-signal-safe.
  bool start(void* ucontext, std::uint64_t from, std::size_t bytes, const std::byte* to);

  enum class Met : std::uint8_t {
    elsewhere,  ///< the interrupted code is not the copy
    finished,   ///< the copy is done and the context is behind the instruction: resume
    undone,     ///< the copy faulted: the context is as before start()
  };
  /// To be asked at each signal before it is judged: a signal may strike in the copy. `breakpoint`: it is a SIGTRAP.
  Met settle(void* ucontext, bool breakpoint);

 private:
  struct State;
  explicit Redirect(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace dumpsim::machine
