// SPDX-License-Identifier: Apache-2.0
// The part of the processor that only ring 0 reaches. A driver's code runs natively in user mode; what it may not do
// there arrives as a fault, is done here to a simulated processor, and the driver goes on behind it. What the simulated
// machine has nothing behind (ports, model-specific registers) answers as an empty bus does and is told.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "base/mapping.hpp"
#include "base/result.hpp"
#include "machine/fault_trap.hpp"
#include "machine/machine.hpp"
#include "machine/redirect.hpp"
#include "machine/shared_user_page.hpp"

namespace dumpsim::machine {

/// Async-signal-safe functions only.
struct Ring0Hooks {
  void* context = nullptr;
  /// What was done, in words that no compiler or register choice changes: "read cr8 = 15", "cli". `foreign`: to
  /// hardware that this machine does not have, or in a way a dump filter has no business with.
  void (*on_instruction)(void* context, std::string_view words, bool foreign) = nullptr;
  /// A write to CR8. The hook sets Processor::irql.
  void (*on_irql)(void* context, std::uint8_t irql) = nullptr;
};

class Ring0 {
 public:
  /// Makes the control region and the shared user page of processor 0 and lets gs of this thread point at the former
  /// until it is destroyed. One at a time in a process; `machine` outlives it.
  static Result<std::unique_ptr<Ring0>> create(Machine& machine, const SystemFacts& facts, Ring0Hooks hooks);
  ~Ring0();
  Ring0(const Ring0&) = delete;
  Ring0& operator=(const Ring0&) = delete;

  enum class Done : std::uint8_t {
    no,       ///< not something this processor does: the fault stands, `report` says at what
    resumed,  ///< the context is behind it, or leads there
    stopped,  ///< hlt with nothing that could wake it
  };
  /// The driver's instruction at the context's rip was refused with `report`. Edits the context (a ucontext_t*) and,
  /// when it was interrupted in a copy of an instruction, the report. Async-signal-safe.
  Done emulate(void* ucontext, FaultReport& report);

 private:
  Ring0(Machine& machine, Ring0Hooks hooks, Mapping region, Mapping page, Redirect redirect);
  Done instruction(void* ucontext, const FaultReport& report);
  bool shared_user_read(void* ucontext, std::uint64_t address);
  void tell(std::string_view what, std::uint64_t number, bool numbered, std::uint64_t value, bool valued, bool foreign);

  struct Msr {
    std::uint32_t index = 0;
    std::uint64_t value = 0;
  };
  std::uint64_t read_msr(std::uint32_t index, bool& known) const;
  void write_msr(std::uint32_t index, std::uint64_t value);

  Machine& machine_;
  Ring0Hooks hooks_;
  Mapping region_;
  Mapping page_;
  Redirect redirect_;
  std::array<std::uint64_t, 16> control_{};
  std::array<std::uint64_t, 16> debug_{};
  std::array<Msr, 16> msrs_{};
  std::size_t msr_count_ = 0;
};

}  // namespace dumpsim::machine
