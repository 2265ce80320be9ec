// SPDX-License-Identifier: Apache-2.0
#include "kernel/frame_walk.hpp"

#include "kernel/context_copy.hpp"
#include "machine/host_frames.hpp"
#include "machine/peek.hpp"

namespace dumpsim::kernel {
namespace {

/// More frames than a stack has room for: a table that leads in a circle.
constexpr std::size_t frame_limit = 8192;

const void* pointer(std::uint64_t address) {
  return reinterpret_cast<const void*>(address);
}

}  // namespace

__attribute__((no_sanitize("address"))) bool DriverMemory::read(std::uint64_t address,
                                                                std::span<std::byte> into) const {
  const auto low = reinterpret_cast<std::uint64_t>(stack_.low());
  const auto bytes = static_cast<std::uint64_t>(stack_.high() - stack_.low());
  if (address - low < bytes && into.size() <= bytes - (address - low)) {
    // By hand: frames of the host's instrumented functions are poisoned for a sanitizer's memcpy.
    const auto* from = reinterpret_cast<const volatile std::byte*>(address);
    for (std::byte& to : into) to = *from++;
    return true;
  }
  return machine::peek(address, into) == into.size();
}

FrameWalk::FrameWalk(Kernel& kernel)
    : kernel_(kernel),
      memory_(kernel.gate().stack()),
      call_(kernel.gate().innermost()),
      handler_(kernel.exceptions().handlers) {}

FrameWalk::FrameWalk(Kernel& kernel, const machine::Context& interrupted)
    : kernel_(kernel),
      memory_(kernel.gate().stack()),
      context_(interrupted),
      call_(kernel.gate().innermost()),
      handler_(kernel.exceptions().handlers),
      exact_(true) {}

FrameWalk::FrameWalk(Kernel& kernel, const Dispatch& dispatch)
    : kernel_(kernel),
      memory_(kernel.gate().stack()),
      call_(kernel.gate().innermost()),
      handler_(kernel.exceptions().handlers),
      exact_(dispatch.exact) {
  from_wdk(*dispatch.context, context_);
}

const ImageRange* FrameWalk::image() const {
  return kernel_.image_at(pointer(context_.rip));
}

const machine::FunctionRow* FrameWalk::row() const {
  const ImageRange* found = image();
  return found == nullptr ? nullptr : machine::find_function(unwind_image(*found), context_.rip);
}

bool FrameWalk::on_stack(std::uint64_t address) const {
  return call_ != nullptr && address % 8 == 0 && kernel_.gate().stack().contains(pointer(address)) &&
         address <= machine::Gate::first_rsp(call_);
}

void FrameWalk::cross() {
  const machine::GateFrame* const outer = machine::Gate::outer(call_);
  if (outer != nullptr) context_ = machine::Gate::caller_of(call_);
  call_ = outer;
  exact_ = false;
}

FrameWalk::Stop FrameWalk::settle() {
  return advance(false);
}

bool FrameWalk::to_driver() {
  for (;;) {
    switch (advance(true)) {
      case Stop::driver:
        return true;
      case Stop::handler:
        pass_handler();
        break;
      case Stop::end:
        return false;
    }
  }
}

FrameWalk::Stop FrameWalk::advance(bool any_driver) {
  for (std::size_t frames = 0; call_ != nullptr && frames < frame_limit; ++frames) {
    // A filter of a source without tables runs far below its own function: its caller may be of an outer call.
    while (call_ != nullptr && machine::Gate::first_rsp(call_) < context_.rsp()) call_ = machine::Gate::outer(call_);
    while (handler_ != nullptr && handler_->at < context_.rsp()) handler_ = handler_->outer;
    if (call_ == nullptr) break;
    if (context_.rsp() == machine::Gate::first_rsp(call_)) {
      if (handler_ != nullptr && handler_->within == machine::Gate::outer(call_)) return Stop::handler;
      cross();
      continue;
    }
    if (!on_stack(context_.rsp())) break;
    if (const ImageRange* found = image()) {
      if (any_driver || !found->functions.empty()) return Stop::driver;
      if (!machine::unwind_host_frame(context_, exact_)) {
        // Nothing is known of its frames; none of them has handlers.
        context_.gpr[machine::gpr_rsp] = machine::Gate::first_rsp(call_);
      }
      exact_ = false;
      continue;
    }
    if (context_.rip == 0 && !exact_) {
      // What the fault trap put on the stack: the frames of what faulted lie beyond it.
      const Dispatch* raised = kernel_.exceptions().dispatches;
      while (raised != nullptr && raised->at != context_.rsp()) raised = raised->outer;
      if (raised == nullptr) break;
      from_wdk(*raised->context, context_);
      exact_ = raised->exact;
      continue;
    }
    if (machine::unwind_host_frame(context_, exact_)) {
      exact_ = false;
      continue;
    }
    // A call of what is no code: its return address is on top of the stack.
    if (!exact_ || machine::unwind_leaf(memory_, context_) != nullptr) break;
    exact_ = false;
  }
  call_ = nullptr;
  return Stop::end;
}

const char* FrameWalk::unwind(machine::HandlerKind wanted, machine::UnwoundFrame& frame) {
  const ImageRange* const found = image();
  const machine::UnwindImage tables = unwind_image(*found);
  const machine::FunctionRow* const function = machine::find_function(tables, context_.rip);
  exact_ = false;
  frame = {};
  if (function == nullptr) return machine::unwind_leaf(memory_, context_);
  return machine::unwind_frame(memory_, tables, *function, wanted, context_, frame);
}

bool FrameWalk::leave_frame() {
  if (!image()->functions.empty()) {
    machine::UnwoundFrame frame;
    return unwind(machine::HandlerKind::none, frame) == nullptr;
  }
  const bool done = machine::unwind_host_frame(context_, exact_);
  exact_ = false;
  return done;
}

void FrameWalk::pass_handler() {
  handler_ = handler_->outer;
  cross();
}

void FrameWalk::take_over() {
  const HandlerCall& passed = *handler_;
  pass_handler();
  from_wdk(*passed.dispatcher->ContextRecord, context_);
  exact_ = false;
}

}  // namespace dumpsim::kernel
