// SPDX-License-Identifier: Apache-2.0
// Which names are documented functions of Windows' kernel, whether simulated or not.
#pragma once

#include <string_view>

namespace dumpsim::kernel {

/// As far as the table goes: what newer kits added may be missing from it.
bool is_documented(std::string_view name);

}  // namespace dumpsim::kernel
