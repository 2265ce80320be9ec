// SPDX-License-Identifier: Apache-2.0
// What a filter can ask the simulated system: its parameters and the crash settings in the registry, and the dump
// volume's device. Both come from the scenario, translated into the kernel's own terms.
#pragma once

#include "engine/plan.hpp"
#include "kernel/registry.hpp"
#include "kernel/volume.hpp"
#include "scenario/scenario.hpp"

namespace dumpsim::engine {

/// Control\CrashControl (CrashDumpEnabled, DumpFilters in order) and Services\NAME\Parameters of every filter.
void seed_registry(kernel::Registry& registry, const scenario::Scenario& scenario);

kernel::VolumeFacts volume_facts(const scenario::Scenario& scenario, const Plan& plan);

}  // namespace dumpsim::engine
