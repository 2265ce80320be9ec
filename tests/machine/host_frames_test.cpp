// SPDX-License-Identifier: Apache-2.0
// Frames of compiled functions undone by what the compiler said of them: the registers that Microsoft's convention
// keeps come back through functions of the host's own, which use them all.
#include "machine/host_frames.hpp"

#include <gtest/gtest.h>

#include <cstring>

namespace dumpsim::machine {
namespace {

constexpr std::uint64_t marker = 0x5afe1dea00000000;

struct Seen {
  Context context;
  std::uint64_t wanted = 0;  ///< the address that the walk is to reach
  bool reached = false;
};

/// Any host code, reached from a driver's call: walks outward until it stands in the caller of the entry.
[[gnu::noinline]] void walk(Seen* seen) {
  dumpsim_capture_context(&seen->context);
  for (int frames = 0; frames < 8 && !seen->reached; ++frames) {
    if (!unwind_host_frame(seen->context, false)) break;
    seen->reached = seen->context.rip == seen->wanted;
  }
}

/// What an export's entry is: called by Microsoft's convention, so it saves rdi, rsi, xmm6 to xmm15 for its caller.
[[gnu::noinline]] __attribute__((ms_abi)) void entry(Seen* seen) {
  seen->wanted = reinterpret_cast<std::uint64_t>(__builtin_return_address(0));
  walk(seen);
  asm volatile("" ::: "memory");
}

TEST(HostFrames, WhatMicrosoftsConventionKeepsComesBack) {
  Seen seen;
  // A driver's call: registers planted, room for the callee's home space, clear of the red zone.
  std::uint64_t in[3] = {reinterpret_cast<std::uint64_t>(&seen), reinterpret_cast<std::uint64_t>(&entry), marker};
  asm volatile(
      "movq %[in], %%rax\n\t"
      "movq 16(%%rax), %%r15\n\t"
      "movq %%rsp, %%r12\n\t"
      "subq $256, %%rsp\n\t"
      "andq $-16, %%rsp\n\t"
      "movq %%r15, %%rsi\n\t"
      "leaq 1(%%rsi), %%rdi\n\t"
      "movq %%rsi, %%xmm6\n\t"
      "movq %%rdi, %%xmm15\n\t"
      "movq 0(%%rax), %%rcx\n\t"
      "call *8(%%rax)\n\t"
      "movq %%r12, %%rsp\n\t"
      :
      : [in] "r"(&in[0])
      : "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r15", "xmm0", "xmm1", "xmm2", "xmm3",
        "xmm4", "xmm5", "xmm6", "xmm15", "memory", "cc");
  ASSERT_TRUE(seen.reached);
  EXPECT_EQ(seen.context.gpr[6], marker);
  EXPECT_EQ(seen.context.gpr[7], marker + 1);
  EXPECT_EQ(seen.context.gpr[15], marker);
  EXPECT_EQ(seen.context.xmm[6].low, marker);
  EXPECT_EQ(seen.context.xmm[15].low, marker + 1);
}

TEST(HostFrames, OfAnAddressThatIsNoCodeNothingIsKnown) {
  Context context;
  context.rip = 0x18;
  EXPECT_FALSE(unwind_host_frame(context, true));
  context.rip = reinterpret_cast<std::uint64_t>(&context);
  EXPECT_FALSE(unwind_host_frame(context, true));
}

}  // namespace
}  // namespace dumpsim::machine
