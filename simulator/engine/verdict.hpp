// SPDX-License-Identifier: Apache-2.0
// From what a child left behind to a report, and from a report to a verdict over a closed world: whatever a scenario
// does not ask for must be normal (docs/scenarios.md).
#pragma once

#include <span>
#include <string>

#include "engine/finding.hpp"
#include "engine/plan.hpp"
#include "engine/run.hpp"
#include "engine/sandbox.hpp"
#include "engine/shared_block.hpp"
#include "trace/reader.hpp"

namespace dumpsim::engine {

/// Outcome and its words, from how the child ended and what it noted. An Error when the host itself failed: the child
/// died while no callback ran.
Result<void> tell_outcome(const ChildEnd& end, const SharedTexts& shared, const trace::TraceView& view, Report& report);

/// Findings, debug output, disabled filters, policies, counts: what the trace and the totals hold. `afterwards` is what
/// the oracles have found: it stands in the trace too, unless that is full or damaged.
void tell_trace(const scenario::Scenario& scenario, const stack::Totals& totals, const trace::TraceView& view,
                std::span<const OracleFinding> afterwards, Report& report);

/// Compares the report with the scenario's expectations; fills mismatches.
void judge(const scenario::Scenario& scenario, const stack::Totals& totals, const trace::TraceView& view,
           Report& report);

}  // namespace dumpsim::engine
