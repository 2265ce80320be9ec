// SPDX-License-Identifier: Apache-2.0
#include "stack/invoke.hpp"

#include <fmt/format.h>

#include <array>
#include <string>

#include "kernel/kernel.hpp"

namespace dumpsim::stack {
namespace {

std::string register_names(std::uint32_t changed) {
  static constexpr std::array<std::string_view, 13> names{
      "rbx", "rbp", "rdi", "rsi", "r12", "r13", "r14", "r15", "xmm", "mxcsr", "x87 control word", "direction flag",
      "rsp"};
  std::string text;
  for (std::size_t bit = 0; bit < names.size(); ++bit) {
    if ((changed & (1u << bit)) == 0) continue;
    if (!text.empty()) text += ", ";
    text += names[bit];
  }
  return text;
}

}  // namespace

Invoked invoke(Environment& env, FilterInstance& filter, trace::Callback callback, std::uint8_t irql,
               std::span<const std::uint64_t> arguments, const Transfer& transfer) {
  Totals& totals = env.totals;
  totals.running.store((static_cast<std::uint32_t>(filter.id()) << 8) | static_cast<std::uint32_t>(callback),
                       std::memory_order_relaxed);
  totals.ordinal.store(totals.ordinal.load(std::memory_order_relaxed) + 1, std::memory_order_release);
  env.recorder.emit({.kind = trace::Kind::callback_entered,
                     .callback = callback,
                     .irql = irql,
                     .image = filter.id(),
                     .length = transfer.length,
                     .flags = transfer.mdl_flags,
                     .offset = transfer.offset,
                     .object = transfer.mdl_id});
  env.kernel->set_current(filter.id(), callback);
  env.trap->publish(totals.ordinal.load(std::memory_order_relaxed));
  env.machine.processor.irql = irql;

  const machine::CallResult call = env.gate.call(filter.convention(), filter.callback(callback), arguments);

  env.trap->publish(0);
  env.kernel->set_current(trace::no_image, trace::Callback::none);
  Invoked result;
  if (!call.returned) {
    // `running` stays, so that the parent can name the callback.
    if (call.value == machine::FaultTrap::reason) {
      totals.ended = env.trap->last().kind == machine::FaultKind::hang ? Ended::hung : Ended::crashed;
      env.tell_fault(filter.id(), callback);
      env.kernel->record_bugcheck(filter.id(), callback);
      totals.bugcheck_code = env.machine.bugcheck.code;
    } else if (env.machine.bugcheck.raised) {
      totals.ended = Ended::bugchecked;
      totals.bugcheck_code = env.machine.bugcheck.code;
    } else {
      totals.ended = Ended::hung;  // a wait that nothing can end; the kernel has said for what
    }
    return result;
  }
  totals.running.store(0, std::memory_order_relaxed);
  result.returned = true;
  result.status = static_cast<std::int32_t>(call.value);
  if (env.machine.processor.irql != irql) {
    report(env, trace::Rule::irql_not_restored, filter.id(), callback,
           fmt::format("entered at IRQL {}, returned at {}", irql, env.machine.processor.irql));
    env.machine.processor.irql = irql;
  }
  if (call.changed != 0) {
    report(env, trace::Rule::stack_callee_saved_changed, filter.id(), callback,
           fmt::format("not given back: {}", register_names(call.changed)));
  }
  return result;
}

void record_left(Environment& env, const FilterInstance& filter, trace::Callback callback, std::uint8_t irql,
                 std::int32_t status, const Transfer& before, const Transfer& after, std::uint32_t changes) {
  env.recorder.emit({.kind = trace::Kind::callback_left,
                     .callback = callback,
                     .irql = irql,
                     .image = filter.id(),
                     .status = status,
                     .length = after.length,
                     .flags = changes,
                     .offset = after.offset,
                     .before = before.offset,
                     .object = before.mdl_id});
}

}  // namespace dumpsim::stack
