// SPDX-License-Identifier: Apache-2.0
// The door between the host and a driver's code: one assembly routine per calling convention that switches to a
// guarded, kernel-sized stack, calls, checks that callee-saved state came back, and returns. A bugcheck or a fault
// leaves through the same door, from any depth, which is why the host's frames below it never need to unwind the
// driver's.
#pragma once

#include <array>
#include <cassert>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/mapping.hpp"
#include "base/result.hpp"
#include "machine/context.hpp"

namespace dumpsim::machine {

enum class Convention : std::uint8_t { system_v, microsoft };

/// Which callee-saved state a call did not give back, as bits.
enum Changed : std::uint32_t {
  changed_rbx = 1u << 0,
  changed_rbp = 1u << 1,
  changed_rdi = 1u << 2,  ///< Microsoft convention only
  changed_rsi = 1u << 3,  ///< Microsoft convention only
  changed_r12 = 1u << 4,
  changed_r13 = 1u << 5,
  changed_r14 = 1u << 6,
  changed_r15 = 1u << 7,
  changed_xmm = 1u << 8,         ///< xmm6-15, Microsoft convention only
  changed_mxcsr = 1u << 9,       ///< control bits
  changed_x87 = 1u << 10,        ///< control word
  changed_direction = 1u << 11,  ///< the direction flag is set on return
  changed_rsp = 1u << 12,
};

/// A stack with inaccessible memory below its low end. Its size is policy kernel-stack, 24 KiB as x64 Windows gives
/// [doc]. Stacks lie at fixed addresses below the arena as long as those are free, so that pointers into them repeat
/// from run to run, and below the host's own stack, so that a debugger takes the host's frames for outer ones.
class GuestStack {
 public:
  /// What a frame that grew past the end in one stride still hits: far more than the single page Windows leaves
  /// [doc], since no compiler probes the stack here.
  static constexpr std::size_t guard_bytes = std::size_t{1} << 20;
  /// In a host built with AddressSanitizer the stack has this many times the bytes asked for: the kernel's own
  /// functions run on it too, and their instrumented frames are several times as large.
#if defined(__SANITIZE_ADDRESS__)
  static constexpr std::size_t growth = 16;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
  static constexpr std::size_t growth = 16;
#else
  static constexpr std::size_t growth = 1;
#endif
#else
  static constexpr std::size_t growth = 1;
#endif

  /// `bytes` is rounded up to pages. Fails for 0 and for more than 16 MiB, or when the address space has no room.
  static Result<GuestStack> create(std::size_t bytes);
  std::byte* low() const {
    return low_;
  }
  std::byte* high() const {
    return low_ + bytes_;
  }
  bool contains(const void* address) const {
    const auto* at = static_cast<const std::byte*>(address);
    return at >= low() && at < high();
  }
  bool guard_contains(const void* address) const {
    const auto* at = static_cast<const std::byte*>(address);
    return at >= low_ - guard_bytes && at < low_;
  }
  /// Bytes touched since the last arm_high_water(), to 8 bytes; 0 when never armed. Words that a driver wrote the
  /// canary value to count as untouched when they are the deepest.
  std::size_t high_water() const;
  /// Fills the stack with the canary. REQUIRES: nothing runs on it.
  void arm_high_water() const;

 private:
  Mapping mapping_;
  std::byte* low_ = nullptr;
  std::size_t bytes_ = 0;
  mutable bool armed_ = false;
};

/// In this order it fits into two registers; through memory each of the three returns on its way cost 4 ns.
struct CallResult {
  std::uint64_t value = 0;    ///< the function's return value, or the reason given to leave()
  std::uint32_t changed = 0;  ///< Changed bits; the host's own state is restored in any case
  bool returned = false;      ///< false: left through leave(), `value` is its reason
};
static_assert(sizeof(CallResult) == 16);

/// The integer arguments of a call into a driver; those that are not given are 0.
class Arguments {
 public:
  static constexpr std::size_t limit = 8;
  Arguments() = default;
  /// Of anything that a span can be made of. REQUIRES: it has at most `limit`.
  template <class Values>
  requires std::convertible_to<const Values&, std::span<const std::uint64_t>> Arguments(
      const Values& values) {  // NOLINT(google-explicit-constructor): what calls are made with
    const std::span<const std::uint64_t> given(values);
    assert(given.size() <= limit);
    for (std::size_t i = 0; i < given.size() && i < limit; ++i) values_[i] = given[i];
  }
  const std::uint64_t* data() const { return values_.data(); }

 private:
  std::array<std::uint64_t, limit> values_{};
};

/// One call through the gate in progress; laid out by the assembly (gate_layout.h).
struct GateFrame;

/// A line of execution on a guest stack of its own, which takes turns with others inside one gate: a driver's thread.
/// Only one of a gate's strands runs at a time, and which one is its owner's decision alone.
class Strand {
 public:
  /// `stack` must outlive the strand and stay where it is.
  explicit Strand(GuestStack& stack) : stack_(&stack) {}
  Strand(const Strand&) = delete;
  Strand& operator=(const Strand&) = delete;
  const GuestStack& stack() const { return *stack_; }

 private:
  friend class Gate;
  struct Start {
    void (*body)(void* context) = nullptr;
    void* context = nullptr;
  };
  static void run(Start* start);

  GuestStack* stack_;
  Start start_;
  void* rests_at_ = nullptr;        ///< the stack pointer while another strand runs
  GateFrame* innermost_ = nullptr;  ///< of its own calls
  GateFrame* current_ = nullptr;    ///< what this thread's pointer to the frame was
  void* fake_stack_ = nullptr;      ///< AddressSanitizer's
};

/// Belongs to one thread: it may be used only on the thread that made the first call. The floating-point control words
/// (MXCSR, x87) of the moment it is made are what every outermost call must give back: the host never changes its own.
class Gate {
 public:
  /// `stack` must outlive the gate and stay where it is.
  explicit Gate(GuestStack& stack);
  Gate(const Gate&) = delete;
  Gate& operator=(const Gate&) = delete;

  /// Calls `entry` on the guest stack. Calls nest: an inner call goes on below the outer's stack pointer, since host
  /// code called from the driver already runs there.
  /// A narrower return type leaves the upper bits of `value` undefined, as both conventions do: cut it to its width.
  CallResult call(Convention convention, const void* entry, const Arguments& arguments);
  bool active() const { return outermost_ != nullptr; }
  /// Of the strand that runs.
  const GuestStack& stack() const { return *running_->stack_; }

  /// The strand that calls from the host enter.
  Strand& main() { return main_; }
  Strand& running() { return *running_; }
  /// Makes `strand` begin anew at the next switch to it: `body(context)`, code of the host's on the strand's stack,
  /// which must not return. What was on that stack is forgotten. REQUIRES: it does not run.
  void prepare(Strand& strand, void (*body)(void* context), void* context);
  /// Lets the running strand rest and goes on with `to`, where that rests or begins. Returns when somebody switches
  /// back. A strand may rest over the end of the host's call and go on inside the next one; the main strand may not.
  /// REQUIRES: active(), `to` is prepared and rests, and runs on no stack of another.
  void switch_to(Strand& to);

  /// Leaves the innermost call of the running strand at once. REQUIRES: active(), running on the guest stack. Objects
  /// in the host's frames that are left are not destroyed: a kernel function must own nothing when it leaves.
  [[noreturn]] void leave(std::uint64_t reason);
  /// Leaves all nested calls at once (bugcheck), from whichever strand: the outermost call() returns, the other strands
  /// rest for good unless they are prepared anew.
  [[noreturn]] void leave_all(std::uint64_t reason);
  /// The same two from a signal handler: edit the interrupted context (a ucontext_t*) so that returning from the
  /// handler leaves. Async-signal-safe. REQUIRES: active(), on the gate's thread.
  void leave_from_signal(void* ucontext, std::uint64_t reason);
  void leave_all_from_signal(void* ucontext, std::uint64_t reason);

  // ---- for walking a driver's stack across the host's frames ----
  /// The calls in progress, from the innermost outward; nullptr at the end.
  const GateFrame* innermost() const { return innermost_; }
  static const GateFrame* outer(const GateFrame* call);
  /// The stack pointer that the driver's function was called with: what its frames end at.
  static std::uint64_t first_rsp(const GateFrame* call);
  /// The registers that the call's return gives back to the host's code which made it.
  static Context caller_of(const GateFrame* call);
  /// Leaves all calls within `call` and goes on in the driver with `context`. The same as of leave() holds for the
  /// host's frames between. REQUIRES: `call` is in progress, context.rsp is of its part of the stack.
  [[noreturn]] void resume(const GateFrame* call, Context& context);

  /// The gate whose call is innermost on this thread, or nullptr: whether host code was reached from a driver.
  /// Async-signal-safe.
  static Gate* current();

 private:
  friend struct GateFiber;
  CallResult call_on_stack(Convention convention, const void* entry, const Arguments& arguments, void* stack_top);
  void go_to_main();

  Strand main_;
  Strand* running_ = &main_;
  GateFrame* innermost_ = nullptr;  ///< of the running strand
  GateFrame* outermost_ = nullptr;  ///< of the main strand: where leave_all() goes
  bool crossed_ = false;            ///< leave_all() came from another strand
  std::uint32_t host_mxcsr_;
  std::uint16_t host_x87_;
};

}  // namespace dumpsim::machine
