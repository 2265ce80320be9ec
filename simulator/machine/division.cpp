// SPDX-License-Identifier: Apache-2.0
#include "machine/division.hpp"

#include <array>
#include <span>

#include "machine/decode.hpp"
#include "machine/machine.hpp"
#include "machine/peek.hpp"

namespace dumpsim::machine {
namespace {

/// In the order in which the processor numbers them, as Zydis does.
std::array<std::uint64_t, 16> general(const FaultReport::Registers& from) {
  return {from.rax, from.rcx, from.rdx, from.rbx, from.rsp, from.rbp, from.rsi, from.rdi,
          from.r8,  from.r9,  from.r10, from.r11, from.r12, from.r13, from.r14, from.r15};
}

std::uint64_t lowest(std::uint64_t value, std::uint32_t bits) {
  return bits >= 64 ? value : value & ((std::uint64_t{1} << bits) - 1);
}

}  // namespace

bool divided_by_zero(const FaultReport& report) {
  std::array<std::uint8_t, ZYDIS_MAX_INSTRUCTION_LENGTH> code{};
  Decoded decoded;
  if (peek(report.registers.rip, std::as_writable_bytes(std::span(code))) == 0 || !decode(code.data(), decoded))
    return true;
  const ZydisMnemonic mnemonic = decoded.instruction.mnemonic;
  if (mnemonic != ZYDIS_MNEMONIC_DIV && mnemonic != ZYDIS_MNEMONIC_IDIV) return true;
  const ZydisDecodedOperand& divisor = decoded.operands[0];
  const std::array<std::uint64_t, 16> registers = general(report.registers);
  if (divisor.type == ZYDIS_OPERAND_TYPE_REGISTER) {
    const ZydisRegister name = divisor.reg.value;
    const ZydisRegister whole = ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, name);
    const bool upper_byte = name >= ZYDIS_REGISTER_AH && name <= ZYDIS_REGISTER_BH;
    const std::uint64_t value = registers[static_cast<std::uint8_t>(ZydisRegisterGetId(whole))];
    return lowest(upper_byte ? value >> 8 : value, divisor.size) == 0;
  }
  ZydisRegisterContext context{};
  for (std::size_t i = 0; i < registers.size(); ++i) context.values[ZYDIS_REGISTER_RAX + i] = registers[i];
  for (std::size_t i = 0; i < registers.size(); ++i) {
    context.values[ZYDIS_REGISTER_EAX + i] = lowest(registers[i], 32);
  }
  ZyanU64 address = 0;
  if (ZYAN_FAILED(
          ZydisCalcAbsoluteAddressEx(&decoded.instruction, &divisor, report.registers.rip, &context, &address))) {
    return true;
  }
  if (divisor.mem.segment == ZYDIS_REGISTER_GS) address += control_region_base;
  std::uint64_t value = 0;
  const auto into = std::as_writable_bytes(std::span(&value, 1)).first(divisor.size / 8);
  return peek(address, into) != into.size() || value == 0;
}

}  // namespace dumpsim::machine
