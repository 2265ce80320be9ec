// SPDX-License-Identifier: Apache-2.0
// Between the WDK's CONTEXT and the machine's.
#pragma once

#include "machine/context.hpp"
//
#include "kernel/ddi.hpp"

namespace dumpsim::kernel {

void to_wdk(const machine::Context& from, CONTEXT& to);
/// Takes all of it, whatever ContextFlags say.
void from_wdk(const CONTEXT& from, machine::Context& to);

}  // namespace dumpsim::kernel
