// SPDX-License-Identifier: Apache-2.0
// The __try of sources whose compiler makes no tables (wdk/ddi/source_seh.h): the list in the order that an exception
// meets them, and running their filters and blocks while the frames below still stand.
#pragma once

#include <cstdint>

#include "kernel/exception_state.hpp"
//
#include "kernel/ddi.hpp"

namespace dumpsim::kernel {

/// The frames outward. One whose filter is being evaluated stands for the exception that it was asked about: behind it
/// come that one's frames, all of them again, as on Windows, where they are still on the stack. One whose block is
/// being run has been left already.
class SourceFrames {
 public:
  explicit SourceFrames(const ExceptionState& state) : next_(state.frames), evaluation_(state.evaluations) {}
  /// The next one below `up_to` on the stack; nullptr when there is none.
  WDK_SEH_FRAME* take(std::uint64_t up_to);
  /// What take() would look at.
  WDK_SEH_FRAME* next() const { return next_; }

 private:
  WDK_SEH_FRAME* next_;
  const Evaluation* evaluation_;
};

/// The filter's answer.
LONG evaluate_filter(ExceptionState& state, WDK_SEH_FRAME& frame, EXCEPTION_POINTERS& pointers);
/// Runs the block of a __finally; `next`: the frame beyond.
void run_block(ExceptionState& state, WDK_SEH_FRAME& frame, WDK_SEH_FRAME* next);

}  // namespace dumpsim::kernel
