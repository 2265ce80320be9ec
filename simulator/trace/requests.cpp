// SPDX-License-Identifier: Apache-2.0
// The names are those of wdm.h and devioctl.h [doc].
#include "trace/requests.hpp"

#include <fmt/format.h>

#include <array>
#include <string_view>

namespace dumpsim::trace {

namespace {

constexpr std::array<std::string_view, 28> majors = {"CREATE",
                                                     "CREATE_NAMED_PIPE",
                                                     "CLOSE",
                                                     "READ",
                                                     "WRITE",
                                                     "QUERY_INFORMATION",
                                                     "SET_INFORMATION",
                                                     "QUERY_EA",
                                                     "SET_EA",
                                                     "FLUSH_BUFFERS",
                                                     "QUERY_VOLUME_INFORMATION",
                                                     "SET_VOLUME_INFORMATION",
                                                     "DIRECTORY_CONTROL",
                                                     "FILE_SYSTEM_CONTROL",
                                                     "DEVICE_CONTROL",
                                                     "INTERNAL_DEVICE_CONTROL",
                                                     "SHUTDOWN",
                                                     "LOCK_CONTROL",
                                                     "CLEANUP",
                                                     "CREATE_MAILSLOT",
                                                     "QUERY_SECURITY",
                                                     "SET_SECURITY",
                                                     "POWER",
                                                     "SYSTEM_CONTROL",
                                                     "DEVICE_CHANGE",
                                                     "QUERY_QUOTA",
                                                     "SET_QUOTA",
                                                     "PNP"};
constexpr std::uint8_t major_file_system_control = 0x0d;
constexpr std::uint8_t major_device_control = 0x0e;
constexpr std::uint8_t major_internal_device_control = 0x0f;
constexpr std::uint8_t major_power = 0x16;
constexpr std::uint8_t major_pnp = 0x1b;

constexpr std::array<std::string_view, 4> power_minors = {"WAIT_WAKE", "POWER_SEQUENCE", "SET_POWER", "QUERY_POWER"};
constexpr std::array<std::string_view, 10> pnp_minors = {
    "START_DEVICE",      "QUERY_REMOVE_DEVICE", "REMOVE_DEVICE",          "CANCEL_REMOVE_DEVICE", "STOP_DEVICE",
    "QUERY_STOP_DEVICE", "CANCEL_STOP_DEVICE",  "QUERY_DEVICE_RELATIONS", "QUERY_INTERFACE",      "QUERY_CAPABILITIES"};
constexpr std::uint8_t minor_usage_notification = 0x16;
constexpr std::uint8_t minor_surprise_removal = 0x17;

std::string_view minor_name(std::uint8_t major, std::uint8_t minor) {
  if (major == major_power && minor < power_minors.size()) return power_minors[minor];
  if (major != major_pnp) return {};
  if (minor < pnp_minors.size()) return pnp_minors[minor];
  if (minor == minor_usage_notification) return "DEVICE_USAGE_NOTIFICATION";
  if (minor == minor_surprise_removal) return "SURPRISE_REMOVAL";
  return {};
}

std::string_view device_type_name(std::uint32_t type) {
  switch (type) {
    case 0x07:
      return "FILE_DEVICE_DISK";
    case 0x09:
      return "FILE_DEVICE_FILE_SYSTEM";
    case 0x22:
      return "FILE_DEVICE_UNKNOWN";
    case 0x2d:
      return "FILE_DEVICE_MASS_STORAGE";
    case 0x4d:
      return "MOUNTDEVCONTROLTYPE";
    case 0x56:
      return "IOCTL_VOLUME_BASE";
    case 0x6d:
      return "MOUNTMGRCONTROLTYPE";
    default:
      return {};
  }
}

}  // namespace

std::string request_words(std::uint64_t request) {
  const auto major = static_cast<std::uint8_t>(request >> 8);
  const auto minor = static_cast<std::uint8_t>(request);
  std::string words =
      major < majors.size() ? fmt::format("IRP_MJ_{}", majors[major]) : fmt::format("IRP {:#04x}", major);
  if (major == major_file_system_control || major == major_device_control || major == major_internal_device_control) {
    words += fmt::format(" {:#x}", request >> 32);
  } else if (major == major_power || major == major_pnp) {
    const std::string_view name = minor_name(major, minor);
    words += name.empty() ? fmt::format(" {:#04x}", minor) : fmt::format(" IRP_MN_{}", name);
  }
  return words;
}

std::string control_code_words(std::uint32_t code) {
  static constexpr std::array<std::string_view, 4> methods = {"METHOD_BUFFERED", "METHOD_IN_DIRECT",
                                                              "METHOD_OUT_DIRECT", "METHOD_NEITHER"};
  static constexpr std::array<std::string_view, 4> accesses = {
      "FILE_ANY_ACCESS", "FILE_READ_ACCESS", "FILE_WRITE_ACCESS", "FILE_READ_ACCESS | FILE_WRITE_ACCESS"};
  const std::uint32_t type = code >> 16;
  const std::string_view name = device_type_name(type);
  return fmt::format("{}, function {:#x}, {}, {}", name.empty() ? fmt::format("device type {:#x}", type) : name,
                     code >> 2 & 0xfff, methods[code & 3], accesses[code >> 14 & 3]);
}

}  // namespace dumpsim::trace
