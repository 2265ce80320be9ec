// SPDX-License-Identifier: Apache-2.0
// Two ways. An explicit memory operand is encoded anew on a register the instruction has no other use for, followed by
// code that gives that register back and jumps home: one signal in all. A string instruction's rsi or rdi cannot be
// another register: it is moved by the distance, and a breakpoint behind the copy moves it back.
#include "machine/redirect.hpp"

#include <fmt/format.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "base/mapping.hpp"
#include "machine/decode.hpp"
#include "machine/general_registers.hpp"

namespace dumpsim::machine {
namespace {

constexpr std::size_t scratch_bytes = 4096;

/// Its place among the general registers. REQUIRES: one of rax to r15.
std::size_t place_of(ZydisRegister whole) {
  return static_cast<std::size_t>(whole) - static_cast<std::size_t>(ZYDIS_REGISTER_RAX);
}

std::uint64_t value_of(const ucontext_t& context, ZydisRegister which) {
  if (which == ZYDIS_REGISTER_NONE) return 0;
  const ZydisRegister whole = ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, which);
  if (whole == ZYDIS_REGISTER_RIP) return static_cast<std::uint64_t>(context.uc_mcontext.gregs[REG_RIP]);
  const auto value = static_cast<std::uint64_t>(context.uc_mcontext.gregs[general_registers[place_of(whole)]]);
  return ZydisRegisterGetWidth(ZYDIS_MACHINE_MODE_LONG_64, which) == 32 ? static_cast<std::uint32_t>(value) : value;
}

/// The address of a plain memory operand; false for what is not one (fs, gs, a gather).
bool address_of(const ucontext_t& context, const Decoded& decoded, const ZydisDecodedOperand& operand,
                std::uint64_t& address) {
  if (operand.type != ZYDIS_OPERAND_TYPE_MEMORY || operand.mem.type != ZYDIS_MEMOP_TYPE_MEM) return false;
  if (operand.mem.segment == ZYDIS_REGISTER_FS || operand.mem.segment == ZYDIS_REGISTER_GS) return false;
  address = value_of(context, operand.mem.base) + value_of(context, operand.mem.index) * operand.mem.scale;
  if (operand.mem.base == ZYDIS_REGISTER_RIP) address += decoded.instruction.length;
  if (operand.mem.disp.has_displacement) address += static_cast<std::uint64_t>(operand.mem.disp.value);
  if (decoded.instruction.address_width == 32) address = static_cast<std::uint32_t>(address);
  return true;
}

/// A general register that the instruction neither reads nor writes. The first eight come first, since an operand such
/// as ah can not be encoded beside r8 to r15.
int free_register(const Decoded& decoded) {
  std::array<bool, general_registers.size()> used{};
  used[4] = true;  // rsp
  const auto use = [&used](ZydisRegister which) {
    const ZydisRegister whole = ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, which);
    if (whole >= ZYDIS_REGISTER_RAX && whole <= ZYDIS_REGISTER_R15) {
      used[place_of(whole)] = true;
    }
  };
  for (std::size_t i = 0; i < decoded.instruction.operand_count; ++i) {
    if (decoded.operands[i].type == ZYDIS_OPERAND_TYPE_REGISTER) use(decoded.operands[i].reg.value);
  }
  for (std::size_t i = 0; i < used.size(); ++i) {
    if (!used[i]) return static_cast<int>(i);
  }
  return -1;
}

/// The instruction with its memory operand at [base]; the number of bytes, 0 when it cannot be encoded.
std::size_t encode_at(const Decoded& decoded, std::size_t operand, int base, std::uint8_t* into) {
  ZydisEncoderRequest request;
  if (ZYAN_FAILED(ZydisEncoderDecodedInstructionToEncoderRequest(
          &decoded.instruction, decoded.operands, decoded.instruction.operand_count_visible, &request))) {
    return 0;
  }
  auto& memory = request.operands[operand].mem;
  memory.base = static_cast<ZydisRegister>(ZYDIS_REGISTER_RAX + base);
  memory.index = ZYDIS_REGISTER_NONE;
  memory.scale = 0;
  memory.displacement = 0;
  request.address_size_hint = ZYDIS_ADDRESS_SIZE_HINT_64;
  ZyanUSize length = ZYDIS_MAX_INSTRUCTION_LENGTH;
  return ZYAN_SUCCESS(ZydisEncoderEncodeInstruction(&request, into, &length)) ? length : 0;
}

}  // namespace

struct Redirect::State {
  Mapping writable;  // the same page twice: nothing in this process is writable and executable at one address
  Mapping executable;
  bool active = false;
  bool moved = false;      // a string instruction: the register moved by `distance`
  std::uint64_t from = 0;  // rip of the instruction
  std::uint64_t next = 0;  // rip behind it
  std::uint64_t end = 0;   // rip behind the copy's breakpoint
  std::size_t gpr = 0;     // the register lent
  std::uint64_t kept = 0;  // what it held
  std::uint64_t distance = 0;

  std::uint64_t entry() const { return reinterpret_cast<std::uint64_t>(executable.begin()); }
};

Redirect::Redirect(std::unique_ptr<State> state) : state_(std::move(state)) {}
Redirect::Redirect(Redirect&&) noexcept = default;
Redirect& Redirect::operator=(Redirect&&) noexcept = default;
Redirect::~Redirect() = default;

Result<Redirect> Redirect::create() {
  const auto failed = [](std::string_view why) { return Error{fmt::format("cannot prepare a page of code: {}", why)}; };
  const int fd = memfd_create("dumpsim redirect", MFD_CLOEXEC);
  if (fd < 0 || ftruncate(fd, scratch_bytes) != 0) {
    const Error error = failed(std::strerror(errno));
    if (fd >= 0) close(fd);
    return error;
  }
  auto state = std::make_unique<State>();
  auto writable = Mapping::of_file(fd, 0, scratch_bytes, PROT_READ | PROT_WRITE, true);
  auto executable = Mapping::of_file(fd, 0, scratch_bytes, PROT_READ | PROT_EXEC, true);
  close(fd);
  if (!writable) return failed(writable.error().message);
  if (!executable) return failed(executable.error().message);
  state->writable = *std::move(writable);
  state->executable = *std::move(executable);
  return Redirect(std::move(state));
}

bool Redirect::start(void* ucontext, std::uint64_t from, std::size_t bytes, const std::byte* to) {
  auto& context = *static_cast<ucontext_t*>(ucontext);
  greg_t* const registers = context.uc_mcontext.gregs;
  const auto rip = static_cast<std::uint64_t>(registers[REG_RIP]);
  Decoded decoded;
  if (!decode(reinterpret_cast<const void*>(rip), decoded)) return false;
  if (decoded.instruction.meta.branch_type != ZYDIS_BRANCH_TYPE_NONE) return false;
  std::size_t which = 0;
  std::uint64_t address = 0;
  for (;; ++which) {
    if (which == decoded.instruction.operand_count) return false;
    const ZydisDecodedOperand& operand = decoded.operands[which];
    if (!address_of(context, decoded, operand, address)) continue;
    if (address - from < bytes && bytes - (address - from) >= operand.size / 8) break;
  }
  State& s = *state_;
  auto* const code = reinterpret_cast<std::uint8_t*>(s.writable.begin());
  const std::uint64_t target = reinterpret_cast<std::uint64_t>(to) + (address - from);
  if (decoded.instruction.meta.category == ZYDIS_CATEGORY_STRINGOP) {
    const ZydisRegister base = decoded.operands[which].mem.base;
    if (base != ZYDIS_REGISTER_RSI && base != ZYDIS_REGISTER_RDI) return false;
    s.gpr = static_cast<std::size_t>(general_registers[place_of(base)]);
    s.distance = target - address;
    std::memcpy(code, reinterpret_cast<const void*>(rip), decoded.instruction.length);
    code[decoded.instruction.length] = 0xCC;
    s.end = s.entry() + decoded.instruction.length + 1;
    s.moved = true;
    registers[s.gpr] += static_cast<greg_t>(s.distance);
  } else {
    const int base = which < decoded.instruction.operand_count_visible ? free_register(decoded) : -1;
    if (base < 0) return false;
    std::size_t at = encode_at(decoded, which, base, code);
    if (at == 0) return false;
    s.gpr = static_cast<std::size_t>(general_registers[static_cast<std::size_t>(base)]);
    s.kept = static_cast<std::uint64_t>(registers[s.gpr]);
    const std::uint64_t next = rip + decoded.instruction.length;
    // mov r64, imm64: what the register held; jmp [rip+0]: home. Neither touches a flag.
    code[at++] = base < 8 ? 0x48 : 0x49;
    code[at++] = static_cast<std::uint8_t>(0xB8 + base % 8);
    std::memcpy(code + at, &s.kept, sizeof s.kept);
    at += sizeof s.kept;
    const std::uint8_t jump[] = {0xFF, 0x25, 0, 0, 0, 0};
    std::memcpy(code + at, jump, sizeof jump);
    at += sizeof jump;
    std::memcpy(code + at, &next, sizeof next);
    s.end = 0;
    s.moved = false;
    registers[s.gpr] = static_cast<greg_t>(target);
  }
  s.active = true;
  s.from = rip;
  s.next = rip + decoded.instruction.length;
  registers[REG_RIP] = static_cast<greg_t>(s.entry());
  return true;
}

Redirect::Met Redirect::settle(void* ucontext, bool breakpoint) {
  State& s = *state_;
  greg_t* const registers = static_cast<ucontext_t*>(ucontext)->uc_mcontext.gregs;
  const auto rip = static_cast<std::uint64_t>(registers[REG_RIP]);
  if (!s.active || rip - s.entry() >= scratch_bytes) return Met::elsewhere;
  s.active = false;
  if (s.moved) {
    registers[s.gpr] -= static_cast<greg_t>(s.distance);
    const bool finished = breakpoint && rip == s.end;
    registers[REG_RIP] = static_cast<greg_t>(finished ? s.next : s.from);
    return finished ? Met::finished : Met::undone;
  }
  registers[s.gpr] = static_cast<greg_t>(s.kept);
  registers[REG_RIP] = static_cast<greg_t>(s.from);
  return Met::undone;
}

}  // namespace dumpsim::machine
