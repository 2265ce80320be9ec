// SPDX-License-Identifier: Apache-2.0
// What went wrong with a division. The processor has one exception for a divisor of zero and for a quotient that does
// not fit; Windows looks at the operand and raises one of two.
#pragma once

#include "machine/fault_trap.hpp"

namespace dumpsim::machine {

/// Whether the division at `report`'s rip had zero for its divisor. True also when that cannot be told: there is no
/// division, or its operand is gone. Async-signal-safe.
bool divided_by_zero(const FaultReport& report);

}  // namespace dumpsim::machine
