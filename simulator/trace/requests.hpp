// SPDX-License-Identifier: Apache-2.0
// IRPs as numbers and in words: the function, and the control code taken apart as the WDK's CTL_CODE put it together.
#pragma once

#include <cstdint>
#include <string>

namespace dumpsim::trace {

/// A request as it stands in a record: function codes and, of a device or file system
/// control, its code. Never 0.
constexpr std::uint64_t request_of(std::uint8_t major, std::uint8_t minor, std::uint32_t control_code = 0) {
  return (std::uint64_t{control_code} << 32) | 0x10000u | (std::uint64_t{major} << 8) | minor;
}
/// "IRP_MJ_CREATE", "IRP_MJ_DEVICE_CONTROL 0x222004", "IRP_MJ_PNP IRP_MN_DEVICE_USAGE_NOTIFICATION".
std::string request_words(std::uint64_t request);

/// "FILE_DEVICE_UNKNOWN, function 0x801, METHOD_BUFFERED, FILE_ANY_ACCESS".
std::string control_code_words(std::uint32_t code);

}  // namespace dumpsim::trace
