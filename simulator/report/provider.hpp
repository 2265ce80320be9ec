// SPDX-License-Identifier: Apache-2.0
// The frame of a provider: [[device]] tables for whatever a run asked for and did not find, to be filled in.
#pragma once

#include <string>

#include "engine/run.hpp"

namespace dumpsim::report {

/// TOML for a scenario; empty when nothing was missing. Devices that are there and lack a code get a table as well: its
/// replies belong into theirs.
std::string to_provider(const engine::Report& report);

}  // namespace dumpsim::report
