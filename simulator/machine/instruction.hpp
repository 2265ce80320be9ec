// SPDX-License-Identifier: Apache-2.0
// What the instruction is that the processor refused. A driver believes that it runs in ring 0: what only ring 0 may do
// arrives here as a general protection fault, and only the bytes at rip tell what was wanted.
#pragma once

#include <cstdint>

namespace dumpsim::machine {

enum class Refused : std::uint8_t {
  nothing,           ///< no such instruction: the fault was for another reason, an address that is not canonical
  read_control,      ///< mov reg, crN: `number`, `gpr`
  write_control,     ///< mov crN, reg
  read_debug,        ///< mov reg, drN
  write_debug,       ///< mov drN, reg
  clear_interrupts,  ///< cli
  set_interrupts,    ///< sti
  halt,              ///< hlt
  read_port,         ///< in: `width` bytes, `number` is the port unless `port_in_dx`
  write_port,        ///< out
  read_msr,          ///< rdmsr
  write_msr,         ///< wrmsr
  flush_caches,      ///< wbinvd, invd
  flush_page,        ///< invlpg
  interrupt,         ///< int n: `number`
  other,             ///< lgdt, swapgs, ltr, ins, …: only its name is known
};

struct RefusedInstruction {
  Refused what = Refused::nothing;
  std::uint8_t length = 0;  ///< bytes
  std::uint8_t gpr = 0;     ///< as the processor numbers them: 0 rax, 1 rcx, … 15 r15
  std::uint8_t number = 0;
  std::uint8_t width = 0;
  bool port_in_dx = false;
  const char* mnemonic = "";  ///< "lgdt"; static
};

/// Decodes the instruction at `at`, which the processor has just fetched. Reads no byte behind it in another page, so
/// that an instruction at the end of the last executable page is no second fault. Async-signal-safe.
RefusedInstruction decode_refused(const void* at);

}  // namespace dumpsim::machine
