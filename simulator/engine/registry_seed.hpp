// SPDX-License-Identifier: Apache-2.0
// What a filter can ask the simulated system: its parameters and the crash settings in the registry, and the dump
// volume's device. Both come from the scenario, translated into the kernel's own terms.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "engine/plan.hpp"
#include "kernel/registry.hpp"
#include "kernel/volume.hpp"
#include "scenario/scenario.hpp"

namespace dumpsim::engine {

/// What Windows has by itself (product values, CrashControl with DumpFilters in order, services), the filters'
/// parameters, and over it the edits that the scenario asks for (Plan::registry).
void seed_registry(kernel::Registry& registry, const scenario::Scenario& scenario,
                   std::span<const scenario::RegistryEdit> edits);

/// The edits of the scenario's .reg file and of its [registry], in this order. Fails with every mistake in the file,
/// and for settings that contradict the scenario.
Result<std::vector<scenario::RegistryEdit>> registry_edits(const scenario::Scenario& scenario);

/// What the registry is expected to hold and does not, a line each; empty when all is as expected.
std::string unmet_in_registry(const kernel::Registry& registry, std::span<const scenario::RegistryEdit> expected);

kernel::VolumeFacts volume_facts(const scenario::Scenario& scenario, const Plan& plan);

}  // namespace dumpsim::engine
