// SPDX-License-Identifier: Apache-2.0
// The tables behind the field's names: those that filters, ports and crashdmp produce in the field, not all that exist.
// A test holds the statuses against Debian's mingw-w64 headers.
#include "trace/field_names.hpp"

#include <fmt/format.h>

#include <span>

namespace dumpsim::trace {

namespace {

struct Name {
  std::uint32_t value;
  std::string_view name;
};

constexpr Name status_names[] = {
    {0x00000000, "STATUS_SUCCESS"},
    {0x00000103, "STATUS_PENDING"},
    {0x80000005, "STATUS_BUFFER_OVERFLOW"},
    {0x8000001a, "STATUS_NO_MORE_ENTRIES"},
    {0xc0000001, "STATUS_UNSUCCESSFUL"},
    {0xc0000002, "STATUS_NOT_IMPLEMENTED"},
    {0xc0000004, "STATUS_INFO_LENGTH_MISMATCH"},
    {0xc0000005, "STATUS_ACCESS_VIOLATION"},
    {0xc0000008, "STATUS_INVALID_HANDLE"},
    {0xc000000d, "STATUS_INVALID_PARAMETER"},
    {0xc000000e, "STATUS_NO_SUCH_DEVICE"},
    {0xc000000f, "STATUS_NO_SUCH_FILE"},
    {0xc0000010, "STATUS_INVALID_DEVICE_REQUEST"},
    {0xc0000011, "STATUS_END_OF_FILE"},
    {0xc0000013, "STATUS_NO_MEDIA_IN_DEVICE"},
    {0xc0000017, "STATUS_NO_MEMORY"},
    {0xc0000022, "STATUS_ACCESS_DENIED"},
    {0xc0000023, "STATUS_BUFFER_TOO_SMALL"},
    {0xc0000024, "STATUS_OBJECT_TYPE_MISMATCH"},
    {0xc0000033, "STATUS_OBJECT_NAME_INVALID"},
    {0xc0000034, "STATUS_OBJECT_NAME_NOT_FOUND"},
    {0xc0000035, "STATUS_OBJECT_NAME_COLLISION"},
    {0xc000003f, "STATUS_CRC_ERROR"},
    {0xc0000059, "STATUS_REVISION_MISMATCH"},
    {0xc000007f, "STATUS_DISK_FULL"},
    {0xc0000088, "STATUS_NOT_MAPPED_DATA"},
    {0xc000009a, "STATUS_INSUFFICIENT_RESOURCES"},
    {0xc000009c, "STATUS_DEVICE_DATA_ERROR"},
    {0xc000009d, "STATUS_DEVICE_NOT_CONNECTED"},
    {0xc00000a2, "STATUS_MEDIA_WRITE_PROTECTED"},
    {0xc00000a3, "STATUS_DEVICE_NOT_READY"},
    {0xc00000b5, "STATUS_IO_TIMEOUT"},
    {0xc00000bb, "STATUS_NOT_SUPPORTED"},
    {0xc00000c0, "STATUS_DEVICE_DOES_NOT_EXIST"},
    {0xc0000120, "STATUS_CANCELLED"},
    {0xc0000184, "STATUS_INVALID_DEVICE_STATE"},
    {0xc0000185, "STATUS_IO_DEVICE_ERROR"},
    {0xc0000225, "STATUS_NOT_FOUND"},
    {0xc000028a, "STATUS_ENCRYPTION_FAILED"},
    {0xc00002c5, "STATUS_DATATYPE_MISALIGNMENT_ERROR"},
    {0xc0210001, "STATUS_FVE_NOT_ENCRYPTED"},
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

std::string_view status_name(std::int32_t status) {
  return find(status_names, static_cast<std::uint32_t>(status));
}

std::string format_status(std::int32_t status) {
  const std::string_view name = status_name(status);
  if (!name.empty()) return std::string(name);
  return fmt::format("{:#010x}", static_cast<std::uint32_t>(status));
}

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
