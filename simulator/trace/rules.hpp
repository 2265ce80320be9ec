// SPDX-License-Identifier: Apache-2.0
// The rules a filter can break, by their stable names. They stand beside the events because two rooms report them: the
// kernel (IRQL, pool) at the call, the verifier after the callback. What each means to a driver author is
// docs/rules.md.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace dumpsim::trace {

enum class Severity : std::uint8_t { off, information, warning, error };

enum class Rule : std::uint16_t {
  write_buffer_modified,                      ///< write.buffer-modified
  mdl_pfn_mismatch,                           ///< mdl.pfn-mismatch
  mdl_size_changed,                           ///< mdl.size-changed
  mdl_flags_changed,                          ///< mdl.flags-changed
  mdl_next_set,                               ///< mdl.next-set
  mdl_buffer_unaligned,                       ///< mdl.buffer-unaligned
  mdl_buffer_too_small,                       ///< mdl.buffer-too-small
  mdl_buffer_paged,                           ///< mdl.buffer-paged
  mdl_buffer_freed,                           ///< mdl.buffer-freed
  mdl_stale_startva_used,                     ///< mdl.stale-startva-used
  mdl_used_after_callback,                    ///< mdl.used-after-callback
  read_mdl_changed,                           ///< read.mdl-changed
  read_offset_changed,                        ///< read.offset-changed
  offset_outside_dump_file,                   ///< offset.outside-dump-file
  offset_unaligned,                           ///< offset.unaligned
  offset_taken_as_absolute,                   ///< offset.taken-as-absolute
  offset_outside_partition,                   ///< offset.outside-partition
  offset_moved_with_read_support,             ///< offset.moved-with-read-support
  init_written_past_host_size,                ///< init.written-past-host-size
  irql_too_high,                              ///< irql.too-high
  irql_not_restored,                          ///< irql.not-restored
  irql_pageable_code,                         ///< irql.pageable-code
  irql_pageable_pool,                         ///< irql.pageable-pool
  irql_wait_at_high_level,                    ///< irql.wait-at-high-level
  irql_lowered_in_callback,                   ///< irql.lowered-in-callback
  pool_double_free,                           ///< pool.double-free
  pool_bad_free,                              ///< pool.bad-free
  pool_leak,                                  ///< pool.leak
  pool_overrun,                               ///< pool.overrun
  pool_underrun,                              ///< pool.underrun
  pool_use_after_free,                        ///< pool.use-after-free
  pool_default_tag,                           ///< pool.default-tag
  pool_executable,                            ///< pool.executable
  pool_used_while_crashing,                   ///< pool.used-while-crashing
  pool_quota_exceeded,                        ///< pool.quota-exceeded
  scratch_overrun,                            ///< scratch.overrun
  object_device_left,                         ///< object.device-left
  object_callback_left,                       ///< object.callback-left
  object_link_left,                           ///< object.link-left
  object_reference_left,                      ///< object.reference-left
  irp_not_completed,                          ///< irp.not-completed
  irp_pending_mismatch,                       ///< irp.pending-mismatch
  irp_status_mismatch,                        ///< irp.status-mismatch
  irp_information_beyond_buffer,              ///< irp.information-beyond-buffer
  stack_callee_saved_changed,                 ///< stack.callee-saved-changed
  stack_overflow,                             ///< stack.overflow
  lifecycle_error_lets_plaintext_through,     ///< lifecycle.error-lets-plaintext-through
  lifecycle_write_after_finish_without_keys,  ///< lifecycle.write-after-finish-without-keys
  lifecycle_read_support_incomplete,          ///< lifecycle.read-support-incomplete
  lifecycle_failed_without_critical,          ///< lifecycle.failed-without-critical
  lifecycle_init_changed_later,               ///< lifecycle.init-changed-later
  lifecycle_context_lost,                     ///< lifecycle.context-lost
  lifecycle_max_pages_changed,                ///< lifecycle.max-pages-changed
  lifecycle_unload_missing,                   ///< lifecycle.unload-missing
  processor_no_such_hardware,                 ///< processor.no-such-hardware
  bugcheck_record_left_behind,                ///< bugcheck.record-left-behind
  bugcheck_record_damaged,                    ///< bugcheck.record-damaged
  bugcheck_answer_refused,                    ///< bugcheck.answer-refused
  bugcheck_guid_repeated,                     ///< bugcheck.guid-repeated
  bugcheck_callback_failed,                   ///< bugcheck.callback-failed
  lock_deadlock,                              ///< lock.deadlock
  unload_still_in_use,                        ///< unload.still-in-use
  exception_finally_skipped,                  ///< exception.finally-skipped
  data_readable_sector,                       ///< data.readable-sector
  data_secret_found,                          ///< data.secret-found
  data_round_trip_differs,                    ///< data.round-trip-differs
  data_reference_differs,                     ///< data.reference-differs
  data_not_deterministic,                     ///< data.not-deterministic
  count_
};

/// Rules that no callback is caught at: what lies on the disk is looked at when all is over. Each finding is one of its
/// own, wherever it comes from.
constexpr bool found_afterwards(Rule rule) {
  return rule >= Rule::data_readable_sector && rule <= Rule::data_not_deterministic;
}

/// Rules that say something about a write's bytes: their findings show what the callback was given and handed on.
constexpr bool about_the_write(Rule rule) {
  switch (rule) {
    case Rule::write_buffer_modified:
    case Rule::mdl_pfn_mismatch:
    case Rule::mdl_size_changed:
    case Rule::mdl_buffer_unaligned:
    case Rule::mdl_buffer_too_small:
    case Rule::mdl_buffer_paged:
    case Rule::mdl_buffer_freed:
    case Rule::offset_outside_dump_file:
    case Rule::offset_unaligned:
    case Rule::offset_taken_as_absolute:
    case Rule::offset_outside_partition:
    case Rule::offset_moved_with_read_support:
    case Rule::lifecycle_error_lets_plaintext_through:
    case Rule::lifecycle_write_after_finish_without_keys:
      return true;
    default:
      return false;
  }
}

struct RuleRow {
  Rule rule;
  std::string_view slug;
  Severity severity;          ///< the default
  std::string_view summary;   ///< one line, what was broken
  std::string_view hint;      ///< what to do instead
  std::string_view evidence;  ///< with its tag: "[doc] …"
};

std::span<const RuleRow> all_rules();
const RuleRow& row_of(Rule rule);
/// Each rule's severity as the table has it.
std::array<Severity, static_cast<std::size_t>(Rule::count_)> default_severities();
std::optional<Rule> find_rule(std::string_view slug);
std::string_view name_of(Severity severity);

}  // namespace dumpsim::trace
