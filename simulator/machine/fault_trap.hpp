// SPDX-License-Identifier: Apache-2.0
// Turns a driver's crash or endless loop into a value: signals that strike while the gate is active are classified,
// reported and left through the gate; a write into memory shown read-only is offered to its owner first and repeated.
// Signals that strike the host's own code take their usual course, so that a bug of ours still looks like one.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "machine/gate.hpp"

namespace dumpsim::machine {

enum class FaultKind : std::uint8_t {
  access,                  ///< memory that is not there, or not for that
  stack_overflow,          ///< into the guard below the guest stack
  illegal_instruction,     ///< ud2 and its like
  privileged_instruction,  ///< what only ring 0 may do: cli, mov cr8, in, rdmsr, …
  breakpoint,              ///< int 3, int 2Dh, single step
  fast_fail,               ///< int 29h; `code` is its ecx
  arithmetic,              ///< a division by zero, an unmasked floating-point exception
  abort,                   ///< abort(), an assertion or heap check of the host's that a driver set off
  system_call,             ///< a driver tried one of Linux's, which was not made: system_calls.hpp
  hang,                    ///< one callback used up its processor time
  other,
};
std::string_view name_of(FaultKind kind);

enum class FaultAccess : std::uint8_t { none, read, write, execute };

/// What is known at the moment of the fault. Plain bytes: it can stand in memory shared with the parent. Everything in
/// it depends on host addresses, so it is evidence, never part of the trace.
struct FaultReport {
  FaultKind kind = FaultKind::other;
  FaultAccess access = FaultAccess::none;
  bool present = false;        ///< access: a page is there, only not for that
  bool address_known = false;  ///< false also for non-canonical addresses, which the processor does not tell
  std::int32_t signal = 0;
  std::int32_t signal_code = 0;
  /// fast_fail: ecx; breakpoint: the interrupt's number (1, 3, 0x2c, 0x2d); system_call: its number, code_unknown when
  /// the processor kept it to itself.
  std::uint64_t code = 0;
  static constexpr std::uint64_t code_unknown = ~std::uint64_t{0};
  const char* instruction = "";  ///< privileged_instruction, system_call: its name; static
  std::uint64_t address = 0;
  std::uint64_t ordinal = 0;  ///< of the callback, as published

  struct Registers {
    std::uint64_t rax, rbx, rcx, rdx, rsi, rdi, rbp, rsp, r8, r9, r10, r11, r12, r13, r14, r15, rip, rflags;
  } registers{};

  /// Where it happened, then return addresses: as a hook that resolves faults filled them in, else by the chain of
  /// frame pointers, as far as that leads on the guest stack.
  std::uint32_t return_address_count = 0;
  std::array<std::uint64_t, 32> return_addresses{};
  /// Words upward from the stack pointer, for code that keeps no frame pointers.
  std::uint32_t stack_word_count = 0;
  std::array<std::uint64_t, 64> stack_words{};
};

/// "write to 0x10", "stack overflow", "privileged instruction": for people, with the raw address.
std::string describe(const FaultReport& report);
/// "syscall 1 (write)", "sysenter". REQUIRES: kind is system_call.
std::string describe_system_call(const FaultReport& report);

/// Called from the signal handler: async-signal-safe functions only.
struct FaultHooks {
  void* context = nullptr;
  /// An instruction was refused a write to `address`. True: it is open now, repeat the instruction.
  bool (*on_write_fault)(void* context, const void* address, const FaultReport& report) = nullptr;
  /// The call is about to be left. May end the process instead of returning.
  void (*on_fault)(void* context, const FaultReport& report) = nullptr;
  /// The host's own code touched memory that is not there. True: it is there now, repeat the instruction.
  bool (*on_host_access)(void* context, const void* address) = nullptr;
  /// Asked first, of every fault that is no such write. True: the interrupted context (a ucontext_t*) was edited to go
  /// on from, in the driver or in host code that deals with the fault on the guest stack. A hang is not to be resolved,
  /// only left.
  bool (*resolve)(void* context, FaultReport& report, void* ucontext) = nullptr;
};

/// Handlers for SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP, SIGSYS and the watchdog's signal, on a stack of
/// their own, for the thread that installs them; the former ones are back when it is destroyed. One at a time in a
/// process. A fork keeps the handlers but not the watchdog: install in the process that runs the drivers.
class FaultTrap {
 public:
  /// Given to Gate::leave_all for every fault; CallResult::value then. last() tells the rest.
  static constexpr std::uint64_t reason = 0xfa017;

  /// `processor_time`: how much one callback may use before it counts as hanging, to an eighth more; zero: no limit.
  /// A call that hangs inside the host's C library (in malloc, say) is left with its locks held: a process that goes on
  /// after FaultKind::hang must not need those, and one made for a single run should end.
  /// Fails when a trap is installed already, or when the system refuses the timer.
  static Result<std::unique_ptr<FaultTrap>> install(Gate& gate, FaultHooks hooks,
                                                    std::chrono::nanoseconds processor_time);
  ~FaultTrap();
  FaultTrap(const FaultTrap&) = delete;
  FaultTrap& operator=(const FaultTrap&) = delete;

  /// Which callback runs from now on, for the report and the watchdog, whose clock starts anew; 0 when none does.
  void publish(std::uint64_t ordinal) {
    ordinal_.store(ordinal, std::memory_order_relaxed);
    published_.store(published_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }
  /// For a hook that resolves a fault by code which may yet leave: makes `report` the last one, with the stack as it is
  /// now. Async-signal-safe.
  void keep(const FaultReport& report);
  /// The fault that was left or kept last.
  const FaultReport& last() const { return report_; }

 private:
  struct State;
  FaultTrap(Gate& gate, FaultHooks hooks);
  static void handle(int signal, void* information, void* ucontext);
  bool hanging();

  Gate& gate_;
  FaultHooks hooks_;
  std::atomic<std::uint64_t> ordinal_{0};
  std::atomic<std::uint64_t> published_{0};
  FaultReport report_;
  std::unique_ptr<State> state_;
};

}  // namespace dumpsim::machine
