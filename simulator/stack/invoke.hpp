// SPDX-License-Identifier: Apache-2.0
// The stack's calls into drivers: a filter's callbacks and bug check callbacks at the IRQL of their place, all through
// the kernel's one function for that, and what becomes of the run when one does not come back.
#pragma once

#include <cstdint>

#include "kernel/kernel.hpp"
#include "stack/environment.hpp"
#include "stack/filter_instance.hpp"

namespace dumpsim::stack {

/// What a bug check callback was given to write, for the record; zeros for the others.
struct Transfer {
  std::uint32_t length = 0;
  std::uint64_t offset = 0;
};

struct Invoked {
  bool returned = false;  ///< false: the filter bugchecked, faulted or hung; totals.ended says which
  std::int32_t status = 0;
};

/// A function of a driver's and whose it is.
struct Callee {
  std::uint16_t image = trace::no_image;
  machine::Convention convention = machine::Convention::system_v;
  const void* code = nullptr;
};

/// The run has ended in the driver that runs: `reason` is what its call was left for.
void end_run(Environment& env, std::uint64_t reason);

/// Calls a driver's routine at `irql` with `arguments`. REQUIRES: nothing has ended the run, and how it ends is the
/// caller's. Emits callback_entered; the caller emits callback_left once it has compared before and after.
inline Invoked invoke(Environment& env, const kernel::Routine& routine, std::uint8_t irql,
                      const machine::Arguments& arguments) {
  env.machine.processor.irql = irql;
  const machine::GuestStack& guest = env.gate.stack();
  if (!env.gate.active()) env.stack_use.before(guest, routine.image, routine.callback);
  const machine::CallResult call = env.kernel->call_routine(routine, arguments);
  env.stack_use.after(env.totals, guest, routine.image, routine.callback);
  if (!call.returned) [[unlikely]] {
    end_run(env, call.value);
    return {};
  }
  return {true, static_cast<std::int32_t>(call.value)};
}

/// The same for `callee`, as `callback` of its image.
Invoked invoke(Environment& env, const Callee& callee, trace::Callback callback, std::uint8_t irql,
               const machine::Arguments& arguments, const Transfer& transfer);

/// The same for `callback` of `filter`, which has no transfer. REQUIRES: the pointer is present.
Invoked invoke(Environment& env, FilterInstance& filter, trace::Callback callback, std::uint8_t irql,
               const machine::Arguments& arguments);

/// Whether a call that the kernel made for the host was left instead of returning. The run has ended in it then: totals
/// and trace say how, and whose it was.
bool ended_in_driver(Environment& env);

/// Lets what drivers have started (threads, timers, DPCs, work items) run until all of it waits for more than
/// `hundred_ns` of virtual time. False when it ended the run. Nothing happens when there is nothing.
bool let_others_run(Environment& env, std::uint64_t hundred_ns);

/// A power request for the dump volume's device stack; its status. The run may have ended in it.
std::int32_t send_power(Environment& env, kernel::PowerRequest request);

/// Closes the pages that a callback was let write to and shows what it wrote with the finding.
void tell_opened(Environment& env);
/// The same when there are any; whether there were.
inline bool close_opened(Environment& env) {
  if (env.machine.memory.close_opened() == 0) return false;
  tell_opened(env);
  return true;
}

/// callback_left for a callback that invoke() returned from and that cannot change its transfer.
void record_left(Environment& env, std::uint16_t image, trace::Callback callback, std::uint8_t irql,
                 std::int32_t status, const Transfer& transfer, std::uint32_t changes);
void record_left(Environment& env, const FilterInstance& filter, trace::Callback callback, std::uint8_t irql,
                 std::int32_t status, std::uint32_t changes);

}  // namespace dumpsim::stack
