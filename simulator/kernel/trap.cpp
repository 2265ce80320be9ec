// SPDX-License-Identifier: Apache-2.0
// All but on_stack() and on_interrupt() runs in the fault trap's signal handler.
#include "kernel/trap.hpp"

#include <signal.h>
#include <ucontext.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "machine/general_registers.hpp"
#include "machine/peek.hpp"
//
#include "kernel/context_copy.hpp"
#include "kernel/exception.hpp"
#include "kernel/frame_walk.hpp"

namespace dumpsim::kernel {
namespace {

using machine::FaultKind;
using machine::FaultReport;

/// Whose instruction it was, for the record: the image around it, or the one whose callback runs.
std::uint16_t image_of(const Kernel& kernel, std::uint64_t rip) {
  const ImageRange* image = kernel.image_at(reinterpret_cast<const void*>(rip));
  return image != nullptr ? image->id : kernel.image();
}

void registers_of(const ucontext_t& from, machine::Context& to) {
  const auto& registers = from.uc_mcontext.gregs;
  for (std::size_t i = 0; i < to.gpr.size(); ++i) {
    to.gpr[i] = static_cast<std::uint64_t>(registers[machine::general_registers[i]]);
  }
  to.rip = static_cast<std::uint64_t>(registers[REG_RIP]);
  to.flags = static_cast<std::uint64_t>(registers[REG_EFL]);
  if (const auto* floating = from.uc_mcontext.fpregs; floating != nullptr) {
    to.mxcsr = floating->mxcsr;
    static_assert(sizeof floating->_xmm == sizeof to.xmm);
    std::memcpy(to.xmm.data(), floating->_xmm, sizeof to.xmm);
  }
}

/// Return addresses of a driver's frames from where it faulted outward, by its image's tables. Nothing for a driver
/// without tables: what the trap itself finds is as good.
void trace_back(FaultReport& report, machine::Context& registers) {
  Kernel& kernel = current();
  registers.rip = report.registers.rip;
  FrameWalk walk(kernel, registers);
  std::uint32_t count = 0;
  bool tables = false;
  report.return_addresses[count++] = registers.rip;
  for (bool first = true; count < report.return_addresses.size() && walk.to_driver(); first = false) {
    tables = tables || !walk.image()->functions.empty();
    if (!first || walk.context().rip != registers.rip) report.return_addresses[count++] = walk.context().rip;
    if (!walk.leave_frame()) break;
  }
  report.return_address_count = tables ? count : 0;
}

/// A place for a `T` on the driver's stack, below what a System V leaf function may keep there; nullptr when that is
/// not the stack that is running, or has too little left.
template <class T>
T* below(std::uint64_t rsp) {
  constexpr std::uint64_t red_zone = 128;
  constexpr std::uint64_t room = 1024;  // for what the first functions need; beyond it is the guard's business
  const machine::GuestStack& stack = current().gate().stack();
  const auto low = reinterpret_cast<std::uint64_t>(stack.low());
  if (!stack.contains(reinterpret_cast<const void*>(rsp)) || rsp - low < red_zone + sizeof(T) + alignof(T) + room) {
    return nullptr;
  }
  return reinterpret_cast<T*>((rsp - red_zone - sizeof(T)) & ~(std::uint64_t{alignof(T)} - 1));
}

/// Has the interrupted context go on in `routine` with `saved`, on the stack below it. Called by nobody: the null
/// return address tells a walk that the driver's frames lie beyond.
template <class T>
void go_on_in(void* ucontext, void (*routine)(T*), T* saved) {
  greg_t* const gregs = static_cast<ucontext_t*>(ucontext)->uc_mcontext.gregs;
  auto* const return_address = reinterpret_cast<std::uint64_t*>(saved) - 1;
  *return_address = 0;
  constexpr greg_t trap_direction_alignment = 0x100 | 0x400 | 0x40000;
  gregs[REG_RSP] = reinterpret_cast<greg_t>(return_address);
  gregs[REG_RDI] = reinterpret_cast<greg_t>(saved);
  gregs[REG_RIP] = reinterpret_cast<greg_t>(routine);
  gregs[REG_EFL] &= ~trap_direction_alignment;
}

bool open_to_interrupts() {
  const machine::Processor& processor = current().machine().processor;
  return processor.irql < DISPATCH_LEVEL && processor.interrupts;
}

}  // namespace

/// What the trap puts on the driver's stack for an exception.
struct alignas(64) Traps::Raised {
  Traps* traps;
  EXCEPTION_RECORD record;
  CONTEXT context;
  FaultReport report;
};

/// And for an interrupt: all there is to give back, as XSAVE lays it out; the vector registers' upper halves are in no
/// Context, and what runs meanwhile may use them.
struct alignas(64) Traps::Interrupted {
  static constexpr std::size_t extended_bytes = 4096;
  alignas(64) std::array<std::byte, extended_bytes> extended;
  std::uint64_t extended_features;
  machine::Context context;
};

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
    const std::size_t length = machine::peek(report.registers.rcx, std::as_writable_bytes(std::span(text, wanted)));
    Kernel& kernel = current();
    kernel.recorder().debug_print(image_of(kernel, report.registers.rip),
                                  static_cast<std::uint32_t>(report.registers.r9), std::string_view(text, length));
  }
  static_assert(load_symbols == prompt + 1);
  registers[REG_RAX] = 0;
  registers[REG_RIP] += instruction_and_byte;
  return true;
}

bool Traps::dispatch(const FaultReport& report, const TrapVerdict& verdict, void* ucontext) {
  auto* const raised = trap_ == nullptr ? nullptr : below<Raised>(report.registers.rsp);
  if (raised == nullptr) return false;
  raised->traps = this;
  raised->report = report;
  EXCEPTION_RECORD& record = raised->record;
  std::memset(&record, 0, sizeof record);
  record.ExceptionCode = static_cast<NTSTATUS>(verdict.code);
  record.ExceptionAddress = reinterpret_cast<PVOID>(report.registers.rip);
  record.NumberParameters = verdict.count;
  std::copy_n(verdict.parameters.begin(), verdict.count, record.ExceptionInformation);
  machine::Context registers;
  registers_of(*static_cast<const ucontext_t*>(ucontext), registers);
  registers.rip = report.registers.rip;
  to_wdk(registers, raised->context);

  go_on_in(ucontext, &Traps::on_stack, raised);
  return true;
}

// As a processor does between two instructions once its priority allows it [doc: CR8, interrupts at DISPATCH_LEVEL].
void Traps::interrupt(void* ucontext) {
  Kernel& kernel = current();
  if (kernel.scheduler().frozen() || !kernel.scheduler().pending(kernel.machine().clock.now)) return;
  const auto& from = *static_cast<const ucontext_t*>(ucontext);
  auto* const interrupted = below<Interrupted>(static_cast<std::uint64_t>(from.uc_mcontext.gregs[REG_RSP]));
  if (interrupted == nullptr) return;  // it comes in at the driver's next call
  registers_of(from, interrupted->context);
  interrupted->extended_features = 0;
  if (const auto* floating = from.uc_mcontext.fpregs; floating != nullptr) {
    _fpx_sw_bytes layout;
    std::memcpy(&layout, &floating->__glibc_reserved1[12], sizeof layout);
    if (layout.magic1 == FP_XSTATE_MAGIC1 && layout.xstate_size <= Interrupted::extended_bytes) {
      std::memcpy(interrupted->extended.data(), floating, layout.xstate_size);
      interrupted->extended_features = layout.xstate_bv;
    }
  }
  go_on_in(ucontext, &Traps::on_interrupt, interrupted);
}

void Traps::on_interrupt(Interrupted* interrupted) {
  Kernel& kernel = current();
  kernel.scheduler().poll();
  machine::Context& context = interrupted->context;
  constexpr std::uint64_t kept = 0xCD5;  // the status flags and the direction flag
  constexpr std::uint64_t always = 0x202;
  context.flags = (context.flags & kept) | always;
  if (const std::uint64_t features = interrupted->extended_features; features != 0) {
    __asm__ volatile("xrstor64 (%0)"
                     :
                     : "r"(interrupted->extended.data()), "a"(static_cast<std::uint32_t>(features)),
                       "d"(static_cast<std::uint32_t>(features >> 32))
                     : "memory");
  }
  kernel.gate().resume(kernel.gate().innermost(), context);
}

void Traps::on_stack(Raised* raised) {
  Kernel& kernel = current();
  EXCEPTION_RECORD& record = raised->record;
  Dispatch dispatch{nullptr, reinterpret_cast<std::uint64_t>(raised), &record, &raised->context, true};
  if (search_handler(kernel, dispatch)) {
    machine::Context context;
    from_wdk(raised->context, context);
    kernel::resume(kernel, context);
  }
  const TrapVerdict verdict = unhandled(
      static_cast<std::uint32_t>(record.ExceptionCode), reinterpret_cast<std::uint64_t>(record.ExceptionAddress),
      {record.ExceptionInformation[0], record.ExceptionInformation[1]}, reinterpret_cast<std::uint64_t>(&record),
      reinterpret_cast<std::uint64_t>(&raised->context));
  kernel.machine().bugcheck = {true, verdict.code, verdict.parameters};
  machine::Context registers;
  from_wdk(raised->context, registers);
  trace_back(raised->report, registers);
  raised->traps->trap_->keep(raised->report);
  kernel.gate().leave_all(machine::FaultTrap::reason);
}

bool Traps::resolve(FaultReport& report, void* ucontext) {
  if (report.kind == FaultKind::hang) return false;
  const bool closed = !open_to_interrupts();
  switch (ring0_->emulate(ucontext, report)) {
    case machine::Ring0::Done::resumed:
      if (closed && open_to_interrupts()) interrupt(ucontext);
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
    // Where int 3 stands, not behind it, is where a breakpoint is [doc].
    if (report.kind == FaultKind::breakpoint && report.code == 3) --report.registers.rip;
    if (dispatch(report, verdict, ucontext)) return true;
    verdict = unhandled(verdict.code, report.registers.rip, {verdict.parameters[0], verdict.parameters[1]}, 0, 0);
  }
  machine::Context registers;
  registers_of(*static_cast<const ucontext_t*>(ucontext), registers);
  trace_back(report, registers);
  if (verdict.what == TrapVerdict::What::bugcheck) {
    machine::BugcheckState& state = current().machine().bugcheck;
    state = {true, verdict.code, verdict.parameters};
  }
  return false;
}

}  // namespace dumpsim::kernel
