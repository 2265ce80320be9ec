// SPDX-License-Identifier: Apache-2.0
// Everything here runs in the fault trap's signal handler.
#include "kernel/trap.hpp"

#include <sys/uio.h>
#include <ucontext.h>
#include <unistd.h>

#include <algorithm>

#include "kernel/kernel.hpp"

namespace dumpsim::kernel {
namespace {

using machine::FaultKind;
using machine::FaultReport;

/// Whose instruction it was, for the record: the image around it, or the one whose callback runs.
std::uint16_t image_of(const Kernel& kernel, std::uint64_t rip) {
  const ImageRange* image = kernel.image_at(reinterpret_cast<const void*>(rip));
  return image != nullptr ? image->id : kernel.image();
}

/// Copies what is readable of a driver's memory; the number of bytes.
std::size_t peek(std::uint64_t address, std::span<char> into) {
  const iovec local{into.data(), into.size()};
  const iovec remote{reinterpret_cast<void*>(address), into.size()};
  const ssize_t count = process_vm_readv(getpid(), &local, 1, &remote, 1, 0);
  return count < 0 ? 0 : static_cast<std::size_t>(count);
}

}  // namespace

Result<std::unique_ptr<Traps>> Traps::create(machine::Machine& machine, const machine::SystemFacts& facts) {
  std::unique_ptr<Traps> traps(new Traps);
  auto ring0 = machine::Ring0::create(machine, facts,
                                      {.context = traps.get(), .on_instruction = on_instruction, .on_irql = on_irql});
  if (!ring0) return ring0.error();
  traps->ring0_ = *std::move(ring0);
  return traps;
}

void Traps::on_instruction(void*, std::string_view words, bool foreign) {
  Kernel& kernel = current();
  kernel.recorder().instruction(kernel.image(), kernel.machine().processor.irql, foreign, words);
  if (foreign) kernel.violate(trace::Rule::processor_no_such_hardware, words);
}

void Traps::on_irql(void*, std::uint8_t irql) {
  current().set_irql(irql);
}

// int 2Dh, the debugger's service: eax says which, and the byte behind the instruction is skipped. Without a debugger
// printing does nothing but is still what the driver said; a question goes unanswered; the rest is a breakpoint
// [assumed, as documented of DbgPrint and DbgPrompt without a debugger].
bool Traps::debug_service(FaultReport& report, void* ucontext) {
  constexpr std::uint64_t print = 1;
  constexpr std::uint64_t prompt = 2;
  constexpr std::uint64_t load_symbols = 3;
  constexpr std::uint64_t unload_symbols = 4;
  constexpr greg_t instruction_and_byte = 3;
  const std::uint64_t service = static_cast<std::uint32_t>(report.registers.rax);
  if (service < print || service > unload_symbols) return false;
  greg_t* const registers = static_cast<ucontext_t*>(ucontext)->uc_mcontext.gregs;
  if (service == print || service == prompt) {
    char text[trace::max_payload];
    const std::size_t wanted = std::min<std::size_t>(report.registers.rdx & 0xFFFF, sizeof text);
    const std::size_t length = peek(report.registers.rcx, std::span(text, wanted));
    Kernel& kernel = current();
    kernel.recorder().debug_print(image_of(kernel, report.registers.rip),
                                  static_cast<std::uint32_t>(report.registers.r9), std::string_view(text, length));
  }
  static_assert(load_symbols == prompt + 1);
  registers[REG_RAX] = 0;
  registers[REG_RIP] += instruction_and_byte;
  return true;
}

bool Traps::resolve(FaultReport& report, void* ucontext) {
  if (report.kind == FaultKind::hang) return false;
  switch (ring0_->emulate(ucontext, report)) {
    case machine::Ring0::Done::resumed:
      return true;
    case machine::Ring0::Done::stopped:
      report.kind = FaultKind::hang;
      return false;
    case machine::Ring0::Done::no:
      break;
  }
  if (report.kind == FaultKind::breakpoint && report.code == 0x2d && debug_service(report, ucontext)) return true;
  TrapVerdict verdict = judge(report);
  if (verdict.what == TrapVerdict::What::exception) {
    verdict = unhandled(verdict.code, report.registers.rip, {verdict.parameters[0], verdict.parameters[1]}, 0, 0);
  }
  if (verdict.what == TrapVerdict::What::bugcheck) {
    machine::BugcheckState& state = current().machine().bugcheck;
    state = {true, verdict.code, verdict.parameters};
  }
  return false;
}

}  // namespace dumpsim::kernel
