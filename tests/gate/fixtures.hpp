// SPDX-License-Identifier: Apache-2.0
// What the assembly fixtures offer: functions that break one promise of their convention each, and a few that keep all.
#pragma once

#include <cstdint>

extern "C" {
// Keep the convention. `fold` returns the eight arguments as one number: a0 + 10 a1 + 100 a2 + …
std::uint64_t system_v_fold();
std::uint64_t microsoft_fold();
std::uint64_t system_v_stack_pointer();
std::uint64_t microsoft_stack_pointer();
/// Calls back: calls its first argument with the second as only argument, and returns what that returned.
std::uint64_t system_v_call();
std::uint64_t microsoft_call();
/// The same two, but with every callee-saved register holding a value of their own meanwhile, given back afterwards.
std::uint64_t system_v_call_busy();
std::uint64_t microsoft_call_busy();
/// Recurses without end.
std::uint64_t system_v_overflow();
std::uint64_t system_v_spin();
/// Stores its second argument at its first.
std::uint64_t system_v_store();
std::uint64_t system_v_load();
std::uint64_t system_v_jump();
std::uint64_t system_v_divide();
std::uint64_t system_v_illegal();
std::uint64_t system_v_breakpoint();
std::uint64_t system_v_privileged();
std::uint64_t system_v_fast_fail();
/// Linux's system call of its first argument's number with the second as only argument, by each of the three doors.
std::uint64_t system_v_syscall();
std::uint64_t system_v_int80();
std::uint64_t system_v_sysenter();
std::uint64_t system_v_return();

// Break it.
std::uint64_t system_v_clobber_rbx();
std::uint64_t system_v_clobber_rbp();
std::uint64_t system_v_clobber_r12();
std::uint64_t system_v_clobber_r13();
std::uint64_t system_v_clobber_r14();
std::uint64_t system_v_clobber_r15();
std::uint64_t system_v_clobber_rsp();
std::uint64_t system_v_clobber_mxcsr();
std::uint64_t system_v_clobber_x87();
std::uint64_t system_v_clobber_direction();
std::uint64_t system_v_clobber_all();
std::uint64_t microsoft_clobber_rbx();
std::uint64_t microsoft_clobber_rdi();
std::uint64_t microsoft_clobber_rsi();
std::uint64_t microsoft_clobber_r12();
std::uint64_t microsoft_clobber_rsp();
std::uint64_t microsoft_clobber_mxcsr();
std::uint64_t microsoft_clobber_xmm6();
std::uint64_t microsoft_clobber_xmm11();
std::uint64_t microsoft_clobber_xmm15();
}
