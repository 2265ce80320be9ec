// SPDX-License-Identifier: Apache-2.0
// Where Linux keeps the general registers of an interrupted context, in the processor's own order, which instructions,
// unwind codes and DWARF's neighbours use.
#pragma once

#include <ucontext.h>

#include <array>

namespace dumpsim::machine {

inline constexpr std::array<int, 16> general_registers{REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP,
                                                       REG_RSI, REG_RDI, REG_R8,  REG_R9,  REG_R10, REG_R11,
                                                       REG_R12, REG_R13, REG_R14, REG_R15};

}  // namespace dumpsim::machine
