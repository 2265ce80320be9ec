// SPDX-License-Identifier: Apache-2.0
#include "machine/instruction.hpp"

#include <Zydis/Zydis.h>

#include "machine/decode.hpp"

namespace dumpsim::machine {
namespace {

bool is_control(ZydisRegister value) {
  return value >= ZYDIS_REGISTER_CR0 && value <= ZYDIS_REGISTER_CR15;
}
bool is_debug(ZydisRegister value) {
  return value >= ZYDIS_REGISTER_DR0 && value <= ZYDIS_REGISTER_DR15;
}

/// mov between a general register and a control or debug register; `other` for a mov of another kind.
void classify_move(const Decoded& decoded, RefusedInstruction& found) {
  if (decoded.instruction.operand_count_visible != 2) return;
  const ZydisDecodedOperand& to = decoded.operands[0];
  const ZydisDecodedOperand& from = decoded.operands[1];
  if (to.type != ZYDIS_OPERAND_TYPE_REGISTER || from.type != ZYDIS_OPERAND_TYPE_REGISTER) return;
  const auto take = [&found](ZydisRegister special, ZydisRegister general, Refused control, Refused debug) {
    found.what = is_control(special) ? control : debug;
    found.number = static_cast<std::uint8_t>(ZydisRegisterGetId(special));
    found.gpr = static_cast<std::uint8_t>(ZydisRegisterGetId(general));
  };
  if (is_control(to.reg.value) || is_debug(to.reg.value)) {
    take(to.reg.value, from.reg.value, Refused::write_control, Refused::write_debug);
  } else if (is_control(from.reg.value) || is_debug(from.reg.value)) {
    take(from.reg.value, to.reg.value, Refused::read_control, Refused::read_debug);
  }
}

void classify_port(const Decoded& decoded, std::size_t port, std::size_t value, RefusedInstruction& found) {
  const ZydisDecodedOperand& where = decoded.operands[port];
  found.port_in_dx = where.type == ZYDIS_OPERAND_TYPE_REGISTER;
  if (!found.port_in_dx) found.number = static_cast<std::uint8_t>(where.imm.value.u);
  found.width = static_cast<std::uint8_t>(decoded.operands[value].size / 8);
}

}  // namespace

RefusedInstruction decode_refused(const void* at) {
  Decoded decoded;
  RefusedInstruction found;
  if (!decode(at, decoded)) return found;
  found.length = decoded.instruction.length;
  found.mnemonic = ZydisMnemonicGetString(decoded.instruction.mnemonic);
  switch (decoded.instruction.mnemonic) {
    case ZYDIS_MNEMONIC_MOV:
      classify_move(decoded, found);
      break;
    case ZYDIS_MNEMONIC_CLI:
      found.what = Refused::clear_interrupts;
      break;
    case ZYDIS_MNEMONIC_STI:
      found.what = Refused::set_interrupts;
      break;
    case ZYDIS_MNEMONIC_HLT:
      found.what = Refused::halt;
      break;
    case ZYDIS_MNEMONIC_IN:
      found.what = Refused::read_port;
      classify_port(decoded, 1, 0, found);
      break;
    case ZYDIS_MNEMONIC_OUT:
      found.what = Refused::write_port;
      classify_port(decoded, 0, 1, found);
      break;
    case ZYDIS_MNEMONIC_RDMSR:
      found.what = Refused::read_msr;
      break;
    case ZYDIS_MNEMONIC_WRMSR:
      found.what = Refused::write_msr;
      break;
    case ZYDIS_MNEMONIC_WBINVD:
    case ZYDIS_MNEMONIC_INVD:
      found.what = Refused::flush_caches;
      break;
    case ZYDIS_MNEMONIC_INVLPG:
      found.what = Refused::flush_page;
      break;
    case ZYDIS_MNEMONIC_INT:
      found.what = Refused::interrupt;
      found.number = static_cast<std::uint8_t>(decoded.operands[0].imm.value.u);
      break;
    case ZYDIS_MNEMONIC_CLTS:
    case ZYDIS_MNEMONIC_INSB:
    case ZYDIS_MNEMONIC_INSD:
    case ZYDIS_MNEMONIC_INSW:
    case ZYDIS_MNEMONIC_OUTSB:
    case ZYDIS_MNEMONIC_OUTSD:
    case ZYDIS_MNEMONIC_OUTSW:
    case ZYDIS_MNEMONIC_IRET:
    case ZYDIS_MNEMONIC_IRETD:
    case ZYDIS_MNEMONIC_IRETQ:
    case ZYDIS_MNEMONIC_INVPCID:
    case ZYDIS_MNEMONIC_LGDT:
    case ZYDIS_MNEMONIC_LIDT:
    case ZYDIS_MNEMONIC_LLDT:
    case ZYDIS_MNEMONIC_LMSW:
    case ZYDIS_MNEMONIC_LTR:
    case ZYDIS_MNEMONIC_MONITOR:
    case ZYDIS_MNEMONIC_MWAIT:
    case ZYDIS_MNEMONIC_RDPMC:
    case ZYDIS_MNEMONIC_SGDT:
    case ZYDIS_MNEMONIC_SIDT:
    case ZYDIS_MNEMONIC_SLDT:
    case ZYDIS_MNEMONIC_SMSW:
    case ZYDIS_MNEMONIC_STR:
    case ZYDIS_MNEMONIC_SWAPGS:
    case ZYDIS_MNEMONIC_SYSEXIT:
    case ZYDIS_MNEMONIC_SYSRET:
    case ZYDIS_MNEMONIC_XSETBV:
      found.what = Refused::other;
      break;
    default:
      break;
  }
  return found;
}

bool decode(const void* at, Decoded& into) {
  constexpr std::uintptr_t page = 4096;
  ZydisDecoder decoder;
  if (ZYAN_FAILED(ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64))) return false;
  const std::uintptr_t in_page = page - reinterpret_cast<std::uintptr_t>(at) % page;
  std::size_t readable = in_page < ZYDIS_MAX_INSTRUCTION_LENGTH ? in_page : ZYDIS_MAX_INSTRUCTION_LENGTH;
  ZyanStatus status = ZydisDecoderDecodeFull(&decoder, at, readable, &into.instruction, into.operands);
  if (status == ZYDIS_STATUS_NO_MORE_DATA && readable < ZYDIS_MAX_INSTRUCTION_LENGTH) {
    // It goes on in the next page, which the processor could fetch too.
    readable = ZYDIS_MAX_INSTRUCTION_LENGTH;
    status = ZydisDecoderDecodeFull(&decoder, at, readable, &into.instruction, into.operands);
  }
  return ZYAN_SUCCESS(status);
}

}  // namespace dumpsim::machine
