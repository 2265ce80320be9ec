// SPDX-License-Identifier: Apache-2.0
// The registers of interrupted or calling code, in the processor's own order, and the two operations that no C++ has:
// to take them where one stands, and to go on with them somewhere else.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace dumpsim::machine {

/// Numbers of general registers as instructions and unwind codes have them.
enum Gpr : std::uint8_t { gpr_rax = 0, gpr_rcx = 1, gpr_rdx = 2, gpr_rbx = 3, gpr_rsp = 4, gpr_rbp = 5 };

/// Laid out for context.S.
struct alignas(16) Context {
  struct alignas(16) Xmm {
    std::uint64_t low = 0;
    std::uint64_t high = 0;
  };
  std::array<std::uint64_t, 16> gpr{};
  std::uint64_t rip = 0;
  std::uint64_t flags = 0;
  std::uint32_t mxcsr = 0x1F80;
  std::array<Xmm, 16> xmm{};
  std::array<std::uint64_t, 5> departure{};  ///< what iretq takes; resume_context() fills it

  std::uint64_t rsp() const { return gpr[gpr_rsp]; }
};
static_assert(offsetof(Context, rip) == 128 && offsetof(Context, mxcsr) == 144 && offsetof(Context, xmm) == 160);
static_assert(offsetof(Context, departure) == 416);

extern "C" {
/// The caller's registers, as they are when the call returns.
void dumpsim_capture_context(Context* into);
/// Goes on there: every register, the stack pointer and the flags as `context` says. It is written to, and may lie on
/// the stack that is left.
[[noreturn]] void dumpsim_resume_context(Context* context);
/// Enters a function in its middle, at `where` with `frame` in rbp, on the stack below the caller's. The value that
/// dumpsim_return_into() is given for the same `kept`, which it fills.
std::uint64_t dumpsim_enter_frame(std::uint64_t* kept, std::uint64_t frame, std::uint64_t where);
[[noreturn]] void dumpsim_return_into(std::uint64_t kept, std::uint64_t value);
}

}  // namespace dumpsim::machine
