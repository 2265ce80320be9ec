// SPDX-License-Identifier: Apache-2.0
// Frames of the host's own functions, and of ELF images: undone by their DWARF call frame information, which compilers
// emit for every function. Between a driver and the kernel function it called, or between a driver's dispatch routine
// and the driver that sent the request, the stack holds such frames; to go on in the outer driver's code its registers
// must be known, those of Microsoft's convention (rdi, rsi, xmm6 to xmm15) too. Costs nothing until it is needed.
#pragma once

#include "machine/context.hpp"

namespace dumpsim::machine {

/// Undoes the frame that context.rip lies in. `exact`: it is where the code stands, not a return address. False when
/// nothing is known of the address, or its caller is nobody. The stack that the frame is on must be mapped.
bool unwind_host_frame(Context& context, bool exact);

}  // namespace dumpsim::machine
