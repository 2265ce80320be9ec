// SPDX-License-Identifier: Apache-2.0
// One instruction in Zydis' own terms, for the sources of this room that look into operands.
#pragma once

#include <Zydis/Zydis.h>

namespace dumpsim::machine {

struct Decoded {
  ZydisDecodedInstruction instruction;
  ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];  ///< hidden ones included
};

/// False when the bytes are no instruction. See decode_refused() for what is read. Async-signal-safe.
bool decode(const void* at, Decoded& into);

}  // namespace dumpsim::machine
