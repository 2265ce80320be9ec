// SPDX-License-Identifier: Apache-2.0
// Goes outward along a driver's stack. Its frames are undone by the image's tables; the host's between them, where a
// driver called the kernel and the kernel called a driver, by their own, and at a call through the gate the walk goes
// on in the host's code that made it.
#pragma once

#include <cstdint>

#include "kernel/exception_state.hpp"
#include "kernel/kernel.hpp"
#include "machine/context.hpp"
#include "machine/unwind.hpp"

namespace dumpsim::kernel {

/// Reads of a driver's stack and images: a page that is not there is no fault.
class DriverMemory final : public machine::Memory {
 public:
  explicit DriverMemory(const machine::GuestStack& stack) : stack_(stack) {}
  bool read(std::uint64_t address, std::span<std::byte> into) const override;

 private:
  const machine::GuestStack& stack_;
};

/// The tables of a loaded image, for the unwinder.
inline machine::UnwindImage unwind_image(const ImageRange& image) {
  return {reinterpret_cast<std::uint64_t>(image.base), image.bytes, image.functions};
}

class FrameWalk {
 public:
  /// From registers that the caller puts into start(), by dumpsim_capture_context(): its own frame is the innermost, so
  /// it must not return before the walk ends.
  explicit FrameWalk(Kernel& kernel);
  machine::Context* start() { return &context_; }
  /// From where code was interrupted.
  FrameWalk(Kernel& kernel, const machine::Context& interrupted);
  /// From where `dispatch` was raised.
  FrameWalk(Kernel& kernel, const Dispatch& dispatch);

  enum class Stop : std::uint8_t {
    driver,   ///< context is in code of a driver whose image has tables
    handler,  ///< the next frame outward is that of handler(), which called the code that was left
    end,      ///< no frames of drivers are left
  };
  /// Passes over frames that have no handlers of their own.
  Stop settle();
  /// The same, but stops in any driver's code. False at the end.
  bool to_driver();

  /// REQUIRES: settle() said driver. As machine::unwind_frame(); afterwards the walk is in the caller.
  const char* unwind(machine::HandlerKind wanted, machine::UnwoundFrame& frame);
  /// REQUIRES: to_driver() said true. Goes on in the caller of a frame of either kind of image; false when it cannot.
  bool leave_frame();
  /// REQUIRES: settle() said handler. Goes on in the frames of the exception that called it.
  void pass_handler();
  /// REQUIRES: the same, of one that unwinds. Goes on in the frame that it was unwinding.
  void take_over();

  const machine::Context& context() const { return context_; }
  const machine::GateFrame* call() const { return call_; }
  const HandlerCall& handler() const { return *handler_; }
  /// The image that context().rip lies in, or nullptr.
  const ImageRange* image() const;
  const machine::FunctionRow* row() const;
  /// Whether a frame may lie at `address`: in the part of the stack that the present call into a driver has.
  bool on_stack(std::uint64_t address) const;

 private:
  Stop advance(bool any_driver);
  void cross();

  Kernel& kernel_;
  DriverMemory memory_;
  machine::Context context_;
  const machine::GateFrame* call_;
  HandlerCall* handler_;
  bool exact_ = false;  // context_.rip is where the code stands, not where it returns to
};

}  // namespace dumpsim::kernel
