// SPDX-License-Identifier: Apache-2.0
// One life of a scenario's machine, and the verdict on it. How many of them a scenario asks for, and which is told, is
// several_runs.cpp's.
#pragma once

#include <vector>

#include "base/result.hpp"
#include "engine/rehearsal.hpp"
#include "engine/run.hpp"
#include "engine/warm_host.hpp"
#include "scenario/scenario.hpp"

namespace dumpsim::engine {

/// `rehearsals` are what it is compared with. Its outputs are made, and nobody is asked whether they may be.
Result<Report> run_once(WarmHost& host, const scenario::Scenario& scenario, const RunOptions& options,
                        std::vector<Rehearsal> rehearsals);

/// What the child alone leaves behind, to be compared with another run's.
Result<Rehearsal> rehearse(WarmHost& host, const scenario::Scenario& scenario, const RunOptions& options);

/// A mistake that only shows when the scenario is carried out, with the file it is in.
Error in_file(const scenario::Scenario& scenario, const Error& error);

}  // namespace dumpsim::engine
