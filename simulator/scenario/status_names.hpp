// SPDX-License-Identifier: Apache-2.0
// NTSTATUS by name, for scenarios.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace dumpsim::scenario {

struct StatusName {
  std::string_view name;  ///< "STATUS_UNSUCCESSFUL"
  std::int32_t value;
};
std::span<const StatusName> all_statuses();
std::optional<std::int32_t> find_status(std::string_view name);

}  // namespace dumpsim::scenario
