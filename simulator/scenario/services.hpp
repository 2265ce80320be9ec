// SPDX-License-Identifier: Apache-2.0
// The part of a scenario that says which drivers there are and what they are given, as text for other scenarios: from
// images alone, or out of a scenario that has it.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace dumpsim::scenario {

/// [[filter]] and [[driver]] tables for images, in this order. `twice`: each filter once more, as NAME_again. `name` is
/// the filter's instead of the one its file gives it. REQUIRES: one filter, or no name.
std::string service_tables(const std::vector<std::filesystem::path>& filters,
                           const std::vector<std::filesystem::path>& drivers, bool twice, std::string_view name = {});

/// The tables filter, driver, device, registry and files of `file`, a valid scenario, with its paths made absolute.
/// `twice`: as above. On failure the error is parse()'s.
Result<std::string> service_tables_of(const std::filesystem::path& file, bool twice);

}  // namespace dumpsim::scenario
