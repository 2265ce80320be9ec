// SPDX-License-Identifier: Apache-2.0
#include "kernel/source_frames.hpp"

#include "kernel/exception.hpp"
#include "machine/context.hpp"

namespace dumpsim::kernel {
namespace {

std::uint64_t number(const void* pointer) {
  return reinterpret_cast<std::uint64_t>(pointer);
}

/// Whatever the phase: the innermost one of the caller.
WDK_SEH_FRAME& top() {
  WDK_SEH_FRAME* frame = current().exceptions().frames;
  if (frame == nullptr) raise_status(current(), STATUS_INVALID_UNWIND_TARGET);  // not from our macros
  return *frame;
}

/// Back into the function at its __builtin_setjmp, on its own stack.
[[noreturn]] void come_back(WDK_SEH_FRAME& frame, ULONG phase) {
  frame.Phase = phase;
  machine::Context context;
  context.mxcsr = __builtin_ia32_stmxcsr();
  context.gpr[machine::gpr_rbp] = number(frame.Jump[0]);
  context.rip = number(frame.Jump[1]);
  context.gpr[machine::gpr_rsp] = number(frame.Jump[2]);
  resume(current(), context);
}

std::uint64_t run(ExceptionState& state, WDK_SEH_FRAME& frame, WDK_SEH_FRAME* next, ULONG phase) {
  WDK_SEH_FRAME* const head = state.frames;
  const WDK_SEH_FRAME kept = frame;
  Evaluation evaluation{state.evaluations, number(__builtin_frame_address(0)), &frame, next, 0};
  state.evaluations = &evaluation;
  state.frames = &frame;
  frame.Phase = phase;
  const std::uint64_t value =
      machine::dumpsim_enter_frame(&evaluation.back, number(frame.Jump[0]), number(frame.Jump[1]));
  state.evaluations = evaluation.outer;
  state.frames = head;
  frame.Phase = kept.Phase;
  return value;
}

void take_off(ExceptionState& state, WDK_SEH_FRAME& frame) {
  // Inner ones, should a source have left them in a way of its own, lie below.
  while (state.frames != nullptr && number(state.frames) < number(&frame)) state.frames = state.frames->Previous;
  if (state.frames == &frame) state.frames = frame.Previous;
  frame.Phase = WDK_SEH_GONE;
}

[[noreturn]] void answer(std::uint64_t value) {
  machine::dumpsim_return_into(current().exceptions().evaluations->back, value);
}

/// The first arrival behind the body: the kind is known now, and the body runs.
ULONG arrive(ULONG is_finally) {
  ExceptionState& state = current().exceptions();
  WDK_SEH_FRAME& frame = top();
  switch (frame.Phase) {
    case WDK_SEH_KIND:
      frame.Finally = is_finally;
      come_back(frame, WDK_SEH_BODY);
    case WDK_SEH_BODY:
    case WDK_SEH_LEFT:
      if (is_finally != 0) {
        frame.Phase = WDK_SEH_ENDING;
        return 1;
      }
      take_off(state, frame);
      return 0;
    default:
      return 1;
  }
}

}  // namespace

WDK_SEH_FRAME* SourceFrames::take(std::uint64_t up_to) {
  while (next_ != nullptr && evaluation_ != nullptr && next_ == evaluation_->frame) {
    next_ = evaluation_->next;
    evaluation_ = evaluation_->outer;
  }
  if (next_ == nullptr || number(next_) >= up_to) return nullptr;
  WDK_SEH_FRAME* const frame = next_;
  next_ = frame->Previous;
  return frame;
}

LONG evaluate_filter(ExceptionState& state, WDK_SEH_FRAME& frame, EXCEPTION_POINTERS& pointers) {
  EXCEPTION_POINTERS* const asked = frame.Pointers;
  const LONG code = frame.Code;
  frame.Pointers = &pointers;
  frame.Code = pointers.ExceptionRecord->ExceptionCode;
  const auto said = static_cast<LONG>(run(state, frame, state.frames, WDK_SEH_FILTER));
  frame.Pointers = asked;
  frame.Code = code;
  return said;
}

void run_block(ExceptionState& state, WDK_SEH_FRAME& frame, WDK_SEH_FRAME* next) {
  run(state, frame, next, WDK_SEH_FINALLY);
}

VOID _dumpsim_seh_enter(WDK_SEH_FRAME* Frame) {
  ExceptionState& state = current().exceptions();
  *Frame = {};
  Frame->Previous = state.frames;
  state.frames = Frame;
}

ULONG _dumpsim_seh_runs(WDK_SEH_FRAME* Frame) {
  return Frame->Phase == WDK_SEH_BODY ? 1 : 0;
}

VOID _dumpsim_seh_scope(WDK_SEH_FRAME* Frame) {
  ExceptionState& state = current().exceptions();
  switch (Frame->Phase) {
    case WDK_SEH_GONE:
      return;
    case WDK_SEH_BODY:
      if (Frame->Finally != 0) {
        current().violate(trace::Rule::exception_finally_skipped,
                          "a __try was left by return, goto, break or continue, and its __finally did not run");
      }
      break;
    case WDK_SEH_FINALLY:
      current().violate(trace::Rule::exception_finally_skipped,
                        "a __finally that an exception passes through was left by return, goto or break");
      answer(0);
    default:
      break;
  }
  take_off(state, *Frame);
}

VOID _dumpsim_seh_leave() {
  ExceptionState& state = current().exceptions();
  WDK_SEH_FRAME* frame = state.frames;
  while (frame != nullptr && frame->Phase != WDK_SEH_BODY) frame = frame->Previous;
  if (frame == nullptr) raise_status(current(), STATUS_INVALID_UNWIND_TARGET);
  state.frames = frame;
  come_back(*frame, WDK_SEH_LEFT);
}

ULONG _dumpsim_seh_except() {
  return arrive(0);
}

ULONG _dumpsim_seh_filters() {
  return top().Phase == WDK_SEH_FILTER ? 1 : 0;
}

ULONG _dumpsim_seh_filtered(LONG Answer) {
  if (top().Phase == WDK_SEH_FILTER) answer(static_cast<std::uint32_t>(Answer));
  return 1;
}

ULONG _dumpsim_seh_finally() {
  return arrive(1);
}

ULONG _dumpsim_seh_finally_done() {
  WDK_SEH_FRAME& frame = top();
  if (frame.Phase == WDK_SEH_FINALLY) answer(0);
  take_off(current().exceptions(), frame);
  return 0;
}

ULONG _dumpsim_seh_abnormal() {
  // Of the block that is being run, past what a handler in it may have left on the list.
  const WDK_SEH_FRAME* frame = current().exceptions().frames;
  while (frame != nullptr && frame->Phase != WDK_SEH_FINALLY && frame->Phase != WDK_SEH_ENDING) {
    frame = frame->Previous;
  }
  return frame != nullptr && frame->Phase == WDK_SEH_FINALLY ? 1 : 0;
}

LONG _dumpsim_seh_code() {
  // Of the filter or handler that is being run, past blocks within it.
  const WDK_SEH_FRAME* frame = current().exceptions().frames;
  while (frame != nullptr && frame->Phase != WDK_SEH_FILTER && frame->Phase != WDK_SEH_HANDLER) {
    frame = frame->Previous;
  }
  return frame == nullptr ? 0 : frame->Code;
}

struct _EXCEPTION_POINTERS* _dumpsim_seh_pointers() {
  return top().Pointers;
}

}  // namespace dumpsim::kernel
