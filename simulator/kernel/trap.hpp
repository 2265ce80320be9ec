// SPDX-License-Identifier: Apache-2.0
// The kernel's answer to what the processor refuses a driver: instructions of ring 0 are done on the simulated
// processor and told; a fault is what Windows would make of it at that IRQL and that address, an exception or a
// bugcheck with its four parameters. Free of WDK names.
#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "base/result.hpp"
#include "machine/fault_trap.hpp"
#include "machine/ring0.hpp"

namespace dumpsim::kernel {

/// What Windows makes of a fault.
struct TrapVerdict {
  enum class What : std::uint8_t {
    nothing,    ///< no trap of the processor's: a hang, an abort of the host's own library
    bugcheck,   ///< at once, whatever handlers there are: `code`, `parameters`
    exception,  ///< `code` is its NTSTATUS, `parameters` its ExceptionInformation, `count` of them
  };
  What what = What::nothing;
  std::uint32_t code = 0;
  std::uint32_t count = 0;
  std::array<std::uint64_t, 4> parameters{};
};

/// Asks the current kernel and its machine; changes nothing. Async-signal-safe.
///
/// A page fault at DISPATCH_LEVEL and above is 0xD1, or 0xA when the kernel's own code touched the address [doc].
/// Below, one beside a block of special pool is 0xD6 or 0xCD, one in a block that was freed 0xD5 or 0xCC [doc]; any
/// other address of the kernel's is 0x50, which no handler can prevent [doc], and any other one an access
/// violation. Kernel addresses are the upper half, and here what lies in the machine's memory, its stacks and the
/// images: they stand for what Windows keeps in the upper half. A present page that is not writable or executable is
/// 0xBE or 0xFC.
TrapVerdict judge(const machine::FaultReport& report);
/// Whether `address` is one that Windows would have in a process's half: what probes let pass.
bool is_user_address(std::uint64_t address);
/// The bugcheck of an exception that nobody handled [doc]: 0x7E where a system thread's last handler sees it, below
/// DISPATCH_LEVEL, 0x1E above. `record` and `context` are their addresses, if they have one.
TrapVerdict unhandled(std::uint32_t status, std::uint64_t address, std::array<std::uint64_t, 2> information,
                      std::uint64_t record, std::uint64_t context);

/// One for the process that runs drivers, for all kernels that follow one another in it.
class Traps {
 public:
  /// Lets gs point at the simulated processor's control region. `machine` outlives it.
  static Result<std::unique_ptr<Traps>> create(machine::Machine& machine, const machine::SystemFacts& facts);

  /// For FaultHooks::resolve. When it is false, machine.bugcheck says what Windows would have stopped with.
  /// REQUIRES: there is a current kernel.
  /// An exception's dispatch is begun on the driver's stack, and the context leads there.
  bool resolve(machine::FaultReport& report, void* ucontext);
  /// Told of the fault again when nobody handles the exception it raised. Without one no exception is dispatched.
  void attach(machine::FaultTrap& trap) { trap_ = &trap; }

 private:
  struct Raised;
  struct Interrupted;
  /// What has waited for interrupts comes in behind the instruction that let them in again.
  void interrupt(void* ucontext);
  [[noreturn]] static void on_interrupt(Interrupted* interrupted);
  bool dispatch(const machine::FaultReport& report, const TrapVerdict& verdict, void* ucontext);
  [[noreturn]] static void on_stack(Raised* raised);
  Traps() = default;
  static void on_instruction(void* context, std::string_view words, bool foreign);
  static void on_irql(void* context, std::uint8_t irql);
  bool debug_service(machine::FaultReport& report, void* ucontext);

  std::unique_ptr<machine::Ring0> ring0_;
  machine::FaultTrap* trap_ = nullptr;
};

}  // namespace dumpsim::kernel
