// SPDX-License-Identifier: Apache-2.0
#include "kernel/exception.hpp"

#include <algorithm>
#include <cstring>

#include "kernel/context_copy.hpp"
#include "kernel/frame_walk.hpp"
#include "kernel/line.hpp"
#include "kernel/source_frames.hpp"
#include "kernel/trap.hpp"

namespace dumpsim::kernel {
namespace {

using machine::HandlerKind;
using machine::UnwoundFrame;
using Stop = FrameWalk::Stop;

std::uint64_t here() {
  return reinterpret_cast<std::uint64_t>(__builtin_frame_address(0));
}

template <class T>
T* pointer(std::uint64_t address) {
  return reinterpret_cast<T*>(address);
}

/// In the trace: what became of an exception, and whose handler said so.
void note(Kernel& kernel, const EXCEPTION_RECORD& record, std::string_view what, const ImageRange* by) {
  const ImageRange* raised = kernel.image_at(record.ExceptionAddress);
  char text[224];
  Line line(text);
  line.put(what);
  if (by != nullptr) {
    line.put(" by ");
    line.put(by->name);
  }
  kernel.recorder().exception(raised != nullptr ? raised->id : kernel.image(), kernel.machine().processor.irql,
                              record.ExceptionCode, line.text());
}

/// Runs a frame's language handler.
EXCEPTION_DISPOSITION ask(Kernel& kernel, EXCEPTION_RECORD* record, CONTEXT* context, DISPATCHER_CONTEXT& dispatcher,
                          bool unwinding) {
  ExceptionState& state = kernel.exceptions();
  HandlerCall call{state.handlers, here(), unwinding, kernel.gate().innermost(), &dispatcher};
  state.handlers = &call;
  const std::uint64_t arguments[] = {reinterpret_cast<std::uint64_t>(record), dispatcher.EstablisherFrame,
                                     reinterpret_cast<std::uint64_t>(context),
                                     reinterpret_cast<std::uint64_t>(&dispatcher)};
  const machine::CallResult result = kernel.gate().call(
      machine::Convention::microsoft, reinterpret_cast<const void*>(dispatcher.LanguageHandler), arguments);
  state.handlers = call.outer;
  return static_cast<EXCEPTION_DISPOSITION>(static_cast<std::uint32_t>(result.value));
}

/// Fills `dispatcher` for the frame that `walk` stands in, but for what unwinding it tells.
void describe(const FrameWalk& walk, DISPATCHER_CONTEXT& dispatcher) {
  const ImageRange& image = *walk.image();
  const machine::FunctionRow* row = walk.row();
  dispatcher = {};
  dispatcher.ControlPc = walk.context().rip;
  dispatcher.ImageBase = reinterpret_cast<std::uint64_t>(image.base);
  if (row != nullptr) {
    const std::byte* const at = image.function_table + (row - image.functions.data()) * sizeof *row;
    dispatcher.FunctionEntry = pointer<RUNTIME_FUNCTION>(reinterpret_cast<std::uint64_t>(at));
  }
}

void complete(const UnwoundFrame& frame, DISPATCHER_CONTEXT& dispatcher) {
  dispatcher.EstablisherFrame = frame.establisher;
  dispatcher.LanguageHandler = reinterpret_cast<PEXCEPTION_ROUTINE>(frame.handler);
  dispatcher.HandlerData = pointer<void>(frame.handler_data);
}

/// A table that makes no sense: told, and the stack counts as ending there.
void damaged(Kernel& kernel, const EXCEPTION_RECORD& record, const char* what, const ImageRange& image) {
  char text[160];
  Line line(text);
  line.put("lost in damaged unwind information: ");
  line.put(what);
  note(kernel, record, line.text(), &image);
}

[[noreturn]] void raise_within(Kernel& kernel, NTSTATUS status, EXCEPTION_RECORD* about) {
  EXCEPTION_RECORD record{};
  record.ExceptionCode = status;
  record.ExceptionFlags = EXCEPTION_NONCONTINUABLE;
  record.ExceptionRecord = about;
  record.ExceptionAddress = about != nullptr ? about->ExceptionAddress : nullptr;
  raise(kernel, record);
  kernel.bugcheck(KMODE_EXCEPTION_NOT_HANDLED, {static_cast<std::uint64_t>(std::int64_t{status}), 0, 0, 0});
}

/// Goes on at `context` in the call into a driver that its stack pointer belongs to, at the IRQL of the moment [doc].
[[noreturn]] void go_on(Kernel& kernel, machine::Context& context) {
  const machine::GateFrame* call = kernel.gate().innermost();
  while (machine::Gate::outer(call) != nullptr && machine::Gate::first_rsp(call) < context.rsp()) {
    call = machine::Gate::outer(call);
  }
  kernel.forget_below(context.rsp());
  constexpr std::uint64_t kept = 0xCD5;  // the status flags and the direction flag
  constexpr std::uint64_t always = 0x202;
  context.flags = (context.flags & kept) | always;
  kernel.gate().resume(call, context);
}

/// Where the second pass ends: in a frame with tables, or in a __try of a source without.
struct Target {
  std::uint64_t establisher = 0;
  std::uint64_t ip = 0;
  std::uint64_t value = 0;
  WDK_SEH_FRAME* source = nullptr;
};

/// Runs the blocks of the sources' frames that lie within `up_to` and takes them off the list. True when the target is
/// among them.
bool leave_sources(ExceptionState& state, SourceFrames& sources, std::uint64_t up_to, const Target& target) {
  while (WDK_SEH_FRAME* source = sources.take(up_to)) {
    state.frames = source;
    if (source == target.source) return true;
    if (source->Finally != 0 && source->Phase == WDK_SEH_BODY) run_block(state, *source, sources.next());
    source->Phase = WDK_SEH_GONE;
    state.frames = sources.next();
  }
  return false;
}

[[noreturn]] void leave_frames(Kernel& kernel, const Target& target, EXCEPTION_RECORD& record) {
  FrameWalk walk(kernel);
  machine::dumpsim_capture_context(walk.start());
  SourceFrames sources(kernel.exceptions());
  CONTEXT frame_context;
  ULONG scope = 0;
  for (;;) {
    const Stop stop = walk.settle();
    if (leave_sources(kernel.exceptions(), sources, stop == Stop::end ? UINT64_MAX : walk.context().rsp(), target)) {
      target.source->Phase = WDK_SEH_HANDLER;
      target.source->Code = record.ExceptionCode;
      target.source->Pointers = nullptr;
      machine::Context& context = *walk.start();
      context = {};
      context.mxcsr = __builtin_ia32_stmxcsr();
      context.gpr[machine::gpr_rbp] = reinterpret_cast<std::uint64_t>(target.source->Jump[0]);
      context.rip = reinterpret_cast<std::uint64_t>(target.source->Jump[1]);
      context.gpr[machine::gpr_rsp] = reinterpret_cast<std::uint64_t>(target.source->Jump[2]);
      go_on(kernel, context);
    }
    if (stop == Stop::end) break;
    if (stop == Stop::handler) {
      if (walk.handler().unwinding) {
        scope = walk.handler().dispatcher->ScopeIndex;
        record.ExceptionFlags |= EXCEPTION_COLLIDED_UNWIND;
        walk.take_over();
      } else {
        walk.pass_handler();
      }
      continue;
    }
    DISPATCHER_CONTEXT dispatcher;
    describe(walk, dispatcher);
    const ImageRange& image = *walk.image();
    to_wdk(walk.context(), frame_context);
    UnwoundFrame frame;
    const char* wrong = walk.unwind(HandlerKind::termination, frame);
    if (wrong == nullptr && walk.context().rsp() <= frame_context.Rsp) wrong = "a frame that ends where it begins";
    if (wrong != nullptr) {
      damaged(kernel, record, wrong, image);
      break;
    }
    dispatcher.ScopeIndex = scope;
    scope = 0;
    if (dispatcher.FunctionEntry == nullptr) continue;
    const bool past = target.establisher != 0 && frame.establisher > target.establisher;
    if (!walk.on_stack(frame.establisher) || past) break;
    const bool there = frame.establisher == target.establisher;
    if (frame.handler != 0) {
      complete(frame, dispatcher);
      dispatcher.TargetIp = target.ip;
      dispatcher.ContextRecord = &frame_context;
      if (there) record.ExceptionFlags |= EXCEPTION_TARGET_UNWIND;
      if (ask(kernel, &record, &frame_context, dispatcher, true) != ExceptionContinueSearch) {
        raise_within(kernel, STATUS_INVALID_DISPOSITION, &record);
      }
      record.ExceptionFlags &= ~static_cast<ULONG>(EXCEPTION_COLLIDED_UNWIND | EXCEPTION_TARGET_UNWIND);
    }
    if (there) {
      machine::Context& context = *walk.start();
      from_wdk(frame_context, context);
      context.rip = target.ip;
      context.gpr[machine::gpr_rax] = target.value;
      go_on(kernel, context);
    }
  }
  raise_within(kernel, STATUS_INVALID_UNWIND_TARGET, &record);
}

[[noreturn]] void leave_to_source(Kernel& kernel, WDK_SEH_FRAME& source, EXCEPTION_RECORD& record,
                                  const ImageRange* by) {
  note(kernel, record, "handled", by);
  record.ExceptionFlags |= EXCEPTION_UNWINDING;
  leave_frames(kernel, {0, 0, 0, &source}, record);
}

}  // namespace

bool search_handler(Kernel& kernel, Dispatch& dispatch) {
  ExceptionState& state = kernel.exceptions();
  EXCEPTION_RECORD& record = *dispatch.record;
  dispatch.outer = state.dispatches;
  state.dispatches = &dispatch;
  FrameWalk walk(kernel, dispatch);
  SourceFrames sources(state);
  std::uint64_t nested = 0;  // the frame whose handler is being run already
  ULONG scope = 0;
  for (;;) {
    const Stop stop = walk.settle();
    // Those that lie within the frame that comes next.
    const std::uint64_t up_to = stop == Stop::end ? UINT64_MAX : walk.context().rsp();
    while (WDK_SEH_FRAME* source = sources.take(up_to)) {
      const bool asks = source->Phase == WDK_SEH_BODY || source->Phase == WDK_SEH_FILTER;
      if (source->Finally != 0 || !asks) continue;
      EXCEPTION_POINTERS pointers{&record, dispatch.context};
      const LONG said = evaluate_filter(state, *source, pointers);
      if (said == EXCEPTION_CONTINUE_SEARCH) continue;
      const ImageRange* by = kernel.image_at(source->Jump[1]);
      if (said > 0) leave_to_source(kernel, *source, record, by);
      if ((record.ExceptionFlags & EXCEPTION_NONCONTINUABLE) != 0) {
        raise_within(kernel, STATUS_NONCONTINUABLE_EXCEPTION, &record);
      }
      note(kernel, record, "continued", by);
      state.dispatches = dispatch.outer;
      return true;
    }
    if (stop == Stop::end) break;
    if (stop == Stop::handler) {
      if (walk.handler().unwinding) {
        scope = walk.handler().dispatcher->ScopeIndex;
        walk.take_over();
      } else {
        record.ExceptionFlags |= EXCEPTION_NESTED_CALL;
        nested = std::max<std::uint64_t>(nested, walk.handler().dispatcher->EstablisherFrame);
        walk.pass_handler();
      }
      continue;
    }
    DISPATCHER_CONTEXT dispatcher;
    describe(walk, dispatcher);
    const ImageRange& image = *walk.image();
    const std::uint64_t before = walk.context().rsp();
    UnwoundFrame frame;
    const char* wrong = walk.unwind(HandlerKind::exception, frame);
    if (wrong == nullptr && walk.context().rsp() <= before) wrong = "a frame that ends where it begins";
    if (wrong != nullptr) {
      damaged(kernel, record, wrong, image);
      break;
    }
    dispatcher.ScopeIndex = scope;
    scope = 0;
    if (dispatcher.FunctionEntry == nullptr || frame.handler == 0) continue;
    if (!walk.on_stack(frame.establisher)) {
      record.ExceptionFlags |= EXCEPTION_STACK_INVALID;
      break;
    }
    complete(frame, dispatcher);
    dispatcher.ContextRecord = dispatch.context;
    const EXCEPTION_DISPOSITION said = ask(kernel, &record, dispatch.context, dispatcher, false);
    if (nested != 0 && frame.establisher == nested) {
      record.ExceptionFlags &= ~static_cast<ULONG>(EXCEPTION_NESTED_CALL);
      nested = 0;
    }
    switch (said) {
      case ExceptionContinueExecution:
        // What cannot be gone on from raises this in its place [doc].
        if ((record.ExceptionFlags & EXCEPTION_NONCONTINUABLE) != 0) {
          raise_within(kernel, STATUS_NONCONTINUABLE_EXCEPTION, &record);
        }
        note(kernel, record, "continued", &image);
        state.dispatches = dispatch.outer;
        return true;
      case ExceptionContinueSearch:
        break;
      case ExceptionNestedException:
        record.ExceptionFlags |= EXCEPTION_NESTED_CALL;
        nested = std::max<std::uint64_t>(nested, dispatcher.EstablisherFrame);
        break;
      default:
        raise_within(kernel, STATUS_INVALID_DISPOSITION, &record);
    }
  }
  state.dispatches = dispatch.outer;
  return false;
}

void unwind_to(Kernel& kernel, std::uint64_t target, std::uint64_t target_ip, EXCEPTION_RECORD* record,
               std::uint64_t value) {
  EXCEPTION_RECORD own{};
  if (record == nullptr) {
    own.ExceptionCode = STATUS_UNWIND;
    own.ExceptionAddress = pointer<void>(target_ip);
    record = &own;
  } else {
    const Dispatch* raised = kernel.exceptions().dispatches;
    while (raised != nullptr && raised->record != record) raised = raised->outer;
    if (raised != nullptr) note(kernel, *record, "handled", kernel.image_at(pointer<const void>(target_ip)));
  }
  record->ExceptionFlags |= EXCEPTION_UNWINDING | (target == 0 ? EXCEPTION_EXIT_UNWIND : 0);
  leave_frames(kernel, {target, target_ip, value, nullptr}, *record);
}

void raise(Kernel& kernel, EXCEPTION_RECORD& record) {
  CONTEXT context;
  {
    FrameWalk walk(kernel);
    machine::dumpsim_capture_context(walk.start());
    walk.to_driver();
    to_wdk(walk.context(), context);
  }
  // Only what a call keeps means anything there.
  context.Rax = context.Rcx = context.Rdx = context.R8 = context.R9 = context.R10 = context.R11 = 0;
  // Windows names a place in its own routine; the driver's is what one looks for [assumed].
  if (record.ExceptionAddress == nullptr) record.ExceptionAddress = pointer<void>(context.Rip);
  Dispatch dispatch{nullptr, here(), &record, &context, false};
  if (search_handler(kernel, dispatch)) {
    machine::Context go;
    from_wdk(context, go);
    go_on(kernel, go);
  }
  const TrapVerdict verdict = unhandled(
      static_cast<std::uint32_t>(record.ExceptionCode), reinterpret_cast<std::uint64_t>(record.ExceptionAddress),
      {record.NumberParameters > 0 ? record.ExceptionInformation[0] : 0,
       record.NumberParameters > 1 ? record.ExceptionInformation[1] : 0},
      reinterpret_cast<std::uint64_t>(&record), reinterpret_cast<std::uint64_t>(&context));
  kernel.bugcheck(verdict.code, verdict.parameters);
}

void raise_status(Kernel& kernel, NTSTATUS status, std::uint32_t count, std::array<std::uint64_t, 2> information) {
  EXCEPTION_RECORD record{};
  record.ExceptionCode = status;
  record.ExceptionFlags = EXCEPTION_NONCONTINUABLE;
  record.NumberParameters = count;
  std::copy(information.begin(), information.end(), record.ExceptionInformation);
  raise(kernel, record);
  __builtin_unreachable();
}

void resume(Kernel& kernel, machine::Context& context) {
  go_on(kernel, context);
}

}  // namespace dumpsim::kernel
