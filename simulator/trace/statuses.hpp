// SPDX-License-Identifier: Apache-2.0
// NTSTATUS by name: a driver author reads and writes STATUS_INSUFFICIENT_RESOURCES, not 0xc000009a.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace dumpsim::trace {

struct StatusName {
  std::string_view name;  ///< "STATUS_UNSUCCESSFUL"
  std::int32_t value;
};
std::span<const StatusName> all_statuses();
std::optional<std::int32_t> find_status(std::string_view name);
/// "STATUS_SUCCESS", or empty when the status is not in the table.
std::string_view status_name(std::int32_t status);
/// The name, or eight hex digits: "0xc0001234".
std::string format_status(std::int32_t status);

}  // namespace dumpsim::trace
