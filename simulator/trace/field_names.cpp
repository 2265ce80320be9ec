// SPDX-License-Identifier: Apache-2.0
// The tables behind the field's names: those that filters, ports and crashdmp produce in the field, not all that exist.
#include "trace/field_names.hpp"

#include <span>

namespace dumpsim::trace {

namespace {

struct Name {
  std::uint32_t value;
  std::string_view name;
};

constexpr Name bugcheck_names[] = {
    {0x0000000a, "IRQL_NOT_LESS_OR_EQUAL"},
    {0x0000001a, "MEMORY_MANAGEMENT"},
    {0x0000001e, "KMODE_EXCEPTION_NOT_HANDLED"},
    {0x00000029, "SECURITY_SYSTEM"},
    {0x0000003b, "SYSTEM_SERVICE_EXCEPTION"},
    {0x00000050, "PAGE_FAULT_IN_NONPAGED_AREA"},
    {0x0000007e, "SYSTEM_THREAD_EXCEPTION_NOT_HANDLED"},
    {0x0000007f, "UNEXPECTED_KERNEL_MODE_TRAP"},
    {0x0000009f, "DRIVER_POWER_STATE_FAILURE"},
    {0x000000c2, "BAD_POOL_CALLER"},
    {0x000000c4, "DRIVER_VERIFIER_DETECTED_VIOLATION"},
    {0x000000d1, "DRIVER_IRQL_NOT_LESS_OR_EQUAL"},
    {0x000000e2, "MANUALLY_INITIATED_CRASH"},
    {0x00000133, "DPC_WATCHDOG_VIOLATION"},
    {0x0000013a, "KERNEL_MODE_HEAP_CORRUPTION"},
};

constexpr Name stage_names[] = {
    {0x2001, "allocate the stack"},    {0x2002, "open the dump volume"},
    {0x2003, "query the port driver"}, {0x2004, "load the port driver"},
    {0x2005, "load filters"},          {0x2006, "initialise filters"},
    {0x2007, "usage notification"},    {0x5001, "write"},
};

constexpr Name usage_names[] = {{1, "paging file"}, {2, "hibernation"}, {3, "dump file"}};

std::string_view find(std::span<const Name> names, std::uint64_t value) {
  for (const Name& row : names) {
    if (row.value == value) return row.name;
  }
  return {};
}

}  // namespace

std::string_view bugcheck_name(std::uint64_t code) {
  return find(bugcheck_names, code);
}
std::string_view stage_name(std::uint64_t stage) {
  return find(stage_names, stage);
}
std::string_view usage_name(std::uint64_t type) {
  return find(usage_names, type);
}

}  // namespace dumpsim::trace
