// SPDX-License-Identifier: Apache-2.0
// The names of events, as they stand in JSON Lines, golden files and scenarios: stable once published.
#include "trace/record.hpp"

#include <array>

namespace dumpsim::trace {

namespace {

constexpr std::array<std::string_view, static_cast<std::size_t>(Kind::count_)> kind_names = {
    "none",
    "timeline_step",
    "crash_started",
    "reboot",
    "power_cut",
    "stack_stage",
    "filter_missing",
    "image_loaded",
    "image_unloaded",
    "callback_entered",
    "callback_left",
    "callback_absent",
    "filter_disabled",
    "usage_notification",
    "section",
    "port_opened",
    "port_write",
    "port_read",
    "port_finished",
    "redirected",
    "dump_pages",
    "secondary_data",
    "triage_data",
    "kernel_call",
    "irql_changed",
    "debug_print",
    "registry_read",
    "registry_written",
    "registry_created",
    "registry_deleted",
    "file_opened",
    "file_read",
    "file_written",
    "file_changed",
    "device_opened",
    "device_control",
    "request",
    "error_logged",
    "disk_read",
    "disk_write",
    "disk_flushed",
    "instruction",
    "thread_created",
    "thread_ended",
    "thread_switched",
    "timer_expired",
    "dpc_run",
    "work_item_run",
    "exception",
    "violation",
    "fault",
    "bugcheck",
    "policy",
    "repeat",
    "truncated",
    "ended",
};
static_assert(!kind_names.back().empty());

constexpr std::array<std::string_view, static_cast<std::size_t>(Callback::count_)> callback_names = {
    "none",
    "DriverEntry",
    "DumpStart",
    "DumpWrite",
    "DumpRead",
    "DumpFinish",
    "DumpUnload",
    "AddDevice",
    "Dispatch",
    "Completion",
    "Cancel",
    "Reinitialize",
    "DriverUnload",
    "BugCheckCallback",
    "SecondaryDumpData",
    "SecondaryMultiPartDumpData",
    "DumpIo",
    "AddPages",
    "RemovePages",
    "TriageDumpData",
    "CallbackFunction",
    "thread",
    "dpc",
    "work-item",
};
static_assert(!callback_names.back().empty());

constexpr std::array<std::string_view, static_cast<std::size_t>(FaultKind::other) + 1> fault_names = {
    "none",  "access", "stack overflow", "illegal instruction", "arithmetic",
    "abort", "hang",   "exit",           "system call",         "other",
};
static_assert(!fault_names.back().empty());

template <class Names, class Enum>
std::string_view name_in(const Names& names, Enum value) {
  const auto index = static_cast<std::size_t>(value);
  return index < names.size() ? names[index] : std::string_view("unknown");
}

}  // namespace

std::string_view name_of(Kind kind) {
  return name_in(kind_names, kind);
}
std::string_view name_of(Callback callback) {
  return name_in(callback_names, callback);
}
std::string_view name_of(FaultKind kind) {
  return name_in(fault_names, kind);
}

}  // namespace dumpsim::trace
