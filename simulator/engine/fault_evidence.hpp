// SPDX-License-Identifier: Apache-2.0
// What is known about a fault, in two texts: one for the trace, relative to regions that repeat from run to run, and
// the evidence beside it with registers and a backtrace, which depends on where the host put things.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "kernel/kernel.hpp"
#include "loader/image.hpp"
#include "machine/fault_trap.hpp"
#include "trace/record.hpp"

namespace dumpsim::engine {

/// "read of null+0x1b0 at image dump_x+0x1234 (encrypt_page)".
std::string fault_words(const machine::FaultReport& fault, const kernel::Kernel& kernel,
                        std::span<const loader::Image* const> images);

/// Registers and backtrace, several lines.
std::string fault_evidence(const machine::FaultReport& fault, const kernel::Kernel& kernel,
                           std::span<const loader::Image* const> images);

trace::FaultKind trace_kind(machine::FaultKind kind);

}  // namespace dumpsim::engine
