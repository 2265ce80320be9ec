// SPDX-License-Identifier: Apache-2.0
#include "stack/invoke.hpp"

namespace dumpsim::stack {

void report(Environment& env, trace::Rule rule, std::uint16_t image, trace::Callback callback,
            std::string_view detail) {
  env.recorder.violation(image, callback, rule, detail, env.kernel->site_of(image));
}

void watch_running(Environment& env) {
  env.kernel->set_running_hook(
      [](void* context, std::uint16_t image, trace::Callback callback, bool entered) {
        Environment& watched = *static_cast<Environment*>(context);
        Totals& totals = watched.totals;
        if (image == trace::no_image) {
          totals.running.store(0, std::memory_order_relaxed);
          watched.trap->publish(0);
          return;
        }
        totals.running.store((static_cast<std::uint32_t>(image) << 8) | static_cast<std::uint32_t>(callback),
                             std::memory_order_relaxed);
        const std::uint64_t ordinal = totals.ordinal.load(std::memory_order_relaxed) + (entered ? 1 : 0);
        totals.ordinal.store(ordinal, std::memory_order_release);
        watched.trap->publish(ordinal);
      },
      &env);
}

void end_without_return(Environment& env, std::uint64_t reason) {
  // Of calls within calls the innermost is meant. `running` stays, so that the parent can name the callback.
  const std::uint16_t image = env.kernel->image();
  const trace::Callback callback = env.kernel->callback();
  Totals& totals = env.totals;
  env.trap->publish(0);
  if (reason == machine::FaultTrap::reason) {
    totals.ended = env.trap->last().kind == machine::FaultKind::hang ? Ended::hung : Ended::crashed;
    env.tell_fault(image, callback);
    env.kernel->record_bugcheck(image, callback);
    totals.bugcheck_code = env.machine.bugcheck.code;
  } else if (env.machine.bugcheck.raised) {
    totals.ended = Ended::bugchecked;
    totals.bugcheck_code = env.machine.bugcheck.code;
  } else {
    totals.ended = Ended::hung;  // a wait that nothing can end; the kernel has said for what
  }
  env.kernel->set_current(trace::no_image, trace::Callback::none);
}

std::int32_t send_power(Environment& env, kernel::PowerRequest request) {
  env.machine.processor.irql = machine::passive_level;
  const std::int32_t status = env.kernel->send_power(request);
  if (const auto left = env.kernel->left(); left) end_without_return(env, *left);
  return status;
}

bool let_others_run(Environment& env, std::uint64_t hundred_ns) {
  if (env.kernel->scheduler().frozen()) return true;
  env.trap->publish(env.totals.ordinal.load(std::memory_order_relaxed) + 1);
  const machine::CallResult call = env.kernel->let_others_run(hundred_ns);
  if (!call.returned) {
    end_without_return(env, call.value);
    return false;
  }
  env.trap->publish(0);
  env.totals.running.store(0, std::memory_order_relaxed);
  return true;
}

Invoked invoke(Environment& env, FilterInstance& filter, trace::Callback callback, std::uint8_t irql,
               std::span<const std::uint64_t> arguments, const Transfer& transfer) {
  return invoke(env, Callee{filter.id(), filter.convention(), filter.callback(callback)}, callback, irql, arguments,
                transfer);
}

Invoked invoke(Environment& env, const Callee& callee, trace::Callback callback, std::uint8_t irql,
               std::span<const std::uint64_t> arguments, const Transfer& transfer) {
  Totals& totals = env.totals;
  totals.running.store((static_cast<std::uint32_t>(callee.image) << 8) | static_cast<std::uint32_t>(callback),
                       std::memory_order_relaxed);
  totals.ordinal.store(totals.ordinal.load(std::memory_order_relaxed) + 1, std::memory_order_release);
  env.recorder.emit({.kind = trace::Kind::callback_entered,
                     .callback = callback,
                     .irql = irql,
                     .image = callee.image,
                     .length = transfer.length,
                     .flags = transfer.mdl_flags,
                     .offset = transfer.offset,
                     .object = transfer.mdl_id});
  env.kernel->set_current(callee.image, callback, callee.code, irql);
  env.trap->publish(totals.ordinal.load(std::memory_order_relaxed));
  env.machine.processor.irql = irql;
  env.machine.sections.at_irql(irql);

  const machine::GuestStack& guest = env.gate.stack();
  const bool outermost = !env.gate.active();
  if (outermost) env.stack_use.before(guest, callee.image, callback);
  const machine::CallResult call = env.gate.call(callee.convention, callee.code, arguments);
  if (outermost) env.stack_use.after(totals, guest, callee.image, callback);

  Invoked result;
  if (!call.returned) {
    end_without_return(env, call.value);
    return result;
  }
  env.trap->publish(0);
  env.kernel->set_current(trace::no_image, trace::Callback::none);
  totals.running.store(0, std::memory_order_relaxed);
  result.returned = true;
  result.status = static_cast<std::int32_t>(call.value);
  env.kernel->check_given_back(callee.image, callback, irql, call);
  return result;
}

void record_left(Environment& env, const FilterInstance& filter, trace::Callback callback, std::uint8_t irql,
                 std::int32_t status, const Transfer& before, const Transfer& after, std::uint32_t changes) {
  record_left(env, filter.id(), callback, irql, status, before, after, changes);
}

void record_left(Environment& env, std::uint16_t image, trace::Callback callback, std::uint8_t irql,
                 std::int32_t status, const Transfer& before, const Transfer& after, std::uint32_t changes) {
  env.recorder.emit({.kind = trace::Kind::callback_left,
                     .callback = callback,
                     .irql = irql,
                     .image = image,
                     .status = status,
                     .length = after.length,
                     .flags = changes,
                     .offset = after.offset,
                     .before = before.offset,
                     .object = before.mdl_id});
}

}  // namespace dumpsim::stack
