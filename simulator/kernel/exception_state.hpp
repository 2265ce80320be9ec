// SPDX-License-Identifier: Apache-2.0
// What is under way on a driver's stack between its frames: exceptions being dispatched, handlers being run, calls that
// the kernel made into a driver. All of it lies on that stack; the lists tell a walk what the host's frames stand for,
// and what to forget when frames are left. Free of WDK names.
#pragma once

#include <cstdint>

#include "trace/record.hpp"

struct _EXCEPTION_RECORD;
struct _CONTEXT;
struct _DISPATCHER_CONTEXT;
struct _WDK_SEH_FRAME;

namespace dumpsim::machine {
struct GateFrame;
}

namespace dumpsim::kernel {

/// An exception that is looking for its handler.
struct Dispatch {
  Dispatch* outer = nullptr;
  std::uint64_t at = 0;  ///< on the stack
  ::_EXCEPTION_RECORD* record = nullptr;
  ::_CONTEXT* context = nullptr;  ///< where it was raised
  bool exact = false;             ///< by the instruction at its rip, not by a call that returns there
};

/// A language handler that is being run: a frame's handler in the first pass or in the second.
struct HandlerCall {
  HandlerCall* outer = nullptr;
  std::uint64_t at = 0;
  bool unwinding = false;
  const machine::GateFrame* within = nullptr;  ///< the call through the gate that it was made from
  ::_DISPATCHER_CONTEXT* dispatcher = nullptr;
};

/// A call into a driver. What was running before it, goes on after it.
struct CallIntoDriver {
  CallIntoDriver* outer = nullptr;
  std::uint64_t at = 0;
  std::uint8_t irql = 0;
  bool told = false;  ///< the trace has it as a callback
  // Of what was running before, as in Context.
  std::uint16_t image = trace::no_image;
  trace::Callback callback = trace::Callback::none;
  std::uint8_t entry_irql = 0;
  unsigned depth = 0;
  const void* entry = nullptr;
};

/// A filter or a block of a __try of wdk/ddi/source_seh.h that is being run.
struct Evaluation {
  Evaluation* outer = nullptr;
  std::uint64_t at = 0;
  ::_WDK_SEH_FRAME* frame = nullptr;
  ::_WDK_SEH_FRAME* next = nullptr;  ///< which frames a search that meets `frame` goes on with
  std::uint64_t back = 0;            ///< for dumpsim_return_into()
};

/// One a stack.
struct ExceptionState {
  Dispatch* dispatches = nullptr;
  HandlerCall* handlers = nullptr;
  CallIntoDriver* calls = nullptr;
  Evaluation* evaluations = nullptr;
  ::_WDK_SEH_FRAME* frames = nullptr;  ///< the innermost __try of a source without tables
};

}  // namespace dumpsim::kernel
