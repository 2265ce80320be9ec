// SPDX-License-Identifier: Apache-2.0
// The door between the host and a driver's code: one assembly routine per calling convention that switches to a
// guarded, kernel-sized stack, calls, checks that callee-saved state came back, and returns. A bugcheck or a fault
// leaves through the same door, from any depth, which is why the host's frames below it never need to unwind the
// driver's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/mapping.hpp"
#include "base/result.hpp"

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

/// A stack with an inaccessible page at its low end. Its size is policy kernel-stack, 24 KiB as x64 Windows gives
/// [doc].
class GuestStack {
 public:
  static Result<GuestStack> create(std::size_t bytes);
  std::byte* low() const;
  std::byte* high() const;
  bool guard_contains(const void* address) const;
  /// Bytes touched since the last reset (pattern based); 0 when not armed.
  std::size_t high_water() const;
  void arm_high_water();

 private:
  Mapping mapping_;
  std::size_t bytes_ = 0;
};

struct CallResult {
  bool returned = false;      ///< false: left through leave(), `value` is its reason
  std::uint64_t value = 0;    ///< the function's return value, or the reason given to leave()
  std::uint32_t changed = 0;  ///< Changed bits; the host's own state is restored in any case
};

class Gate {
 public:
  explicit Gate(GuestStack& stack);
  /// Calls `entry` with up to four integer arguments on the guest stack. Calls nest: an inner call goes on below the
  /// outer's stack pointer, since host code called from the driver already runs there.
  CallResult call(Convention convention, const void* entry, std::span<const std::uint64_t> arguments);
  bool active() const;
  /// Leaves the innermost call at once. REQUIRES: active(), running on the guest stack or in its signal handler.
  [[noreturn]] void leave(std::uint64_t reason);
  /// The same from a signal handler: edits the interrupted context (a ucontext_t*) so that returning from the handler
  /// leaves.
  void leave_from_signal(void* ucontext, std::uint64_t reason);
  /// Leaves all nested calls at once (bugcheck, fault): the outermost call() returns.
  [[noreturn]] void leave_all(std::uint64_t reason);

 private:
  GuestStack* stack_;
  void* frame_ = nullptr;  // innermost frame; laid out by the assembly
};

}  // namespace dumpsim::machine
