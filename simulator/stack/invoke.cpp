// SPDX-License-Identifier: Apache-2.0
#include "stack/invoke.hpp"

#include "stack/transfer_mdl.hpp"

namespace dumpsim::stack {

void report(Environment& env, trace::Rule rule, std::uint16_t image, trace::Callback callback,
            std::string_view detail) {
  env.recorder.violation(image, callback, rule, detail, env.kernel->site_of(image));
}

namespace {

/// What a fault's address gives away: fields of an MDL that were no addresses.
void report_stale_address(Environment& env, std::uint16_t image, trace::Callback callback) {
  const machine::FaultReport& fault = env.trap->last();
  if (fault.kind != machine::FaultKind::access || !fault.address_known) return;
  const auto* address = reinterpret_cast<const void*>(fault.address);
  const trace::CodeSite site = env.kernel->site_of_fault(image, fault);
  if (TransferMdl::is_stale_start(address)) {
    env.recorder.violation(image, callback, trace::Rule::mdl_stale_startva_used,
                           "read the bytes of a write where StartVa or an unmapped MDL points, which is nowhere", site);
  } else if (TransferMdl::is_retired(address)) {
    env.recorder.violation(image, callback, trace::Rule::mdl_used_after_callback,
                           "followed an MDL of a transfer that is over", site);
  }
}

}  // namespace

void tell_opened(Environment& env) {
  if (env.opened.at == nullptr) return;
  const std::span<const std::byte> now(env.opened.at, page_size);
  env.recorder.show_bytes(env.opened.site, trace::first_change(trace::Held::page, env.opened.before, now));
  env.opened.at = nullptr;
}

void end_run(Environment& env, std::uint64_t reason) {
  // Of calls within calls the innermost is meant. `running` stays, so that the parent can name the callback.
  const std::uint16_t image = env.kernel->image();
  const trace::Callback callback = env.kernel->callback();
  Totals& totals = env.totals;
  env.trap->publish(0);
  close_opened(env);
  if (reason == machine::FaultTrap::reason) {
    totals.ended = env.trap->last().kind == machine::FaultKind::hang ? Ended::hung : Ended::crashed;
    report_stale_address(env, image, callback);
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

bool ended_in_driver(Environment& env) {
  const auto left = env.kernel->left();
  if (left && env.totals.ended == Ended::no) end_run(env, *left);
  return left.has_value();
}

std::int32_t send_power(Environment& env, kernel::PowerRequest request) {
  env.machine.processor.irql = machine::passive_level;
  const std::int32_t status = env.kernel->send_power(request);
  ended_in_driver(env);
  return status;
}

bool let_others_run(Environment& env, std::uint64_t hundred_ns) {
  if (env.kernel->scheduler().frozen()) return true;
  env.trap->publish(env.totals.ordinal.load(std::memory_order_relaxed) + 1);
  if (!env.kernel->let_others_run(hundred_ns).returned) {
    ended_in_driver(env);
    return false;
  }
  env.trap->publish(0);
  env.totals.running.store(0, std::memory_order_relaxed);
  return true;
}

Invoked invoke(Environment& env, const Callee& callee, trace::Callback callback, std::uint8_t irql,
               const machine::Arguments& arguments, const Transfer& transfer) {
  return invoke(env,
                {.code = callee.code,
                 .callback = callback,
                 .image = callee.image,
                 .convention = callee.convention,
                 .given = {.length = transfer.length, .offset = transfer.offset},
                 .callers_end = true},
                irql, arguments);
}

Invoked invoke(Environment& env, FilterInstance& filter, trace::Callback callback, std::uint8_t irql,
               const machine::Arguments& arguments) {
  return invoke(env, Callee{filter.id(), filter.convention(), filter.callback(callback)}, callback, irql, arguments,
                {});
}

void record_left(Environment& env, const FilterInstance& filter, trace::Callback callback, std::uint8_t irql,
                 std::int32_t status, std::uint32_t changes) {
  record_left(env, filter.id(), callback, irql, status, {}, changes);
}

void record_left(Environment& env, std::uint16_t image, trace::Callback callback, std::uint8_t irql,
                 std::int32_t status, const Transfer& transfer, std::uint32_t changes) {
  env.recorder.emit({.kind = trace::Kind::callback_left,
                     .callback = callback,
                     .irql = irql,
                     .image = image,
                     .status = status,
                     .length = transfer.length,
                     .flags = changes,
                     .offset = transfer.offset,
                     .before = transfer.offset});
}

}  // namespace dumpsim::stack
