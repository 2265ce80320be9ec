// SPDX-License-Identifier: Apache-2.0
// A scenario's [[device]] tables as the kernel plays them, with the files' contents read.
#pragma once

#include <vector>

#include "base/result.hpp"
#include "kernel/scripted_device.hpp"
#include "scenario/scenario.hpp"

namespace dumpsim::engine {

/// Fails, with the place in the scenario, for a file that cannot be read, is larger than 1 MiB, or leaves no room for a
/// pointer or for the length that a reply claims.
Result<std::vector<kernel::ScriptedDevice>> scripted_devices(const scenario::Scenario& scenario);

}  // namespace dumpsim::engine
