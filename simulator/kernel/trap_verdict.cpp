// SPDX-License-Identifier: Apache-2.0
// Which bugcheck or exception a fault is. The tables are Microsoft's bug check reference [doc]; where it leaves a
// choice open, the tag says so.
#include <algorithm>
#include <string_view>

#include "kernel/kernel.hpp"
#include "kernel/trap.hpp"
#include "machine/division.hpp"
//
#include "kernel/ddi.hpp"

namespace dumpsim::kernel {
namespace {

using machine::FaultAccess;
using machine::FaultKind;
using machine::FaultReport;
using What = TrapVerdict::What;

constexpr std::uint64_t trap_page_fault_read = 0;
constexpr std::uint64_t trap_page_fault_write = 1;
constexpr std::uint64_t trap_page_fault_execute = 8;
constexpr std::uint32_t windows_10 = 10240;
constexpr std::uint64_t double_fault = 8;
constexpr std::uint64_t not_present = 2;  // NONPAGED_BUGCHECK_NOT_PRESENT_PAGE_TABLE

const void* pointer(std::uint64_t address) {
  return reinterpret_cast<const void*>(address);
}

/// Whether `address` stands for one that Windows has in the kernel's half. That pool, stacks and images here do is
/// [assumed]: drivers' pointers into them are kernel pointers.
bool is_kernel_address(const Kernel& kernel, const machine::Machine& machine, std::uint64_t address) {
  using Region = machine::PhysicalMemory::Region;
  if (address >> 63 != 0) return true;
  const Region region = machine.memory.region_of(pointer(address));
  if (region != Region::unknown) return region != Region::null_page;
  return address - machine::control_region_base < machine::control_region_bytes ||
         current().gate().stack().contains(pointer(address)) || kernel.image_at(pointer(address)) != nullptr;
}

TrapVerdict bugcheck(std::uint32_t code, std::array<std::uint64_t, 4> parameters) {
  return {What::bugcheck, code, 4, parameters};
}
TrapVerdict exception(std::uint32_t status, std::uint32_t count = 0, std::array<std::uint64_t, 4> parameters = {}) {
  return {What::exception, status, count, parameters};
}
TrapVerdict exception(NTSTATUS status) {
  return exception(static_cast<std::uint32_t>(status));
}

TrapVerdict page_fault(const FaultReport& report) {
  Kernel& kernel = current();
  const machine::Machine& machine = kernel.machine();
  const std::uint64_t address = report.address;
  const std::uint64_t rip = report.registers.rip;
  const std::uint64_t operation = report.access == FaultAccess::write     ? trap_page_fault_write
                                  : report.access == FaultAccess::execute ? trap_page_fault_execute
                                                                          : trap_page_fault_read;
  // DRIVER_UNLOADED_WITHOUT_CANCELLING_PENDING_OPERATIONS [doc].
  if (kernel.was_image(pointer(address))) return bugcheck(0xCE, {address, operation, rip, 0});
  const bool kernels = is_kernel_address(kernel, machine, address);
  // What is there for reading was refused for what was done to it.
  if (kernels && report.present && report.access == FaultAccess::write) {
    return bugcheck(ATTEMPTED_WRITE_TO_READONLY_MEMORY, {address, 0, report.registers.rsp, 0});
  }
  if (kernels && report.present && report.access == FaultAccess::execute) {
    return bugcheck(ATTEMPTED_EXECUTE_OF_NOEXECUTE_MEMORY, {address, 0, report.registers.rsp, 0});
  }
  if (machine.processor.irql >= DISPATCH_LEVEL) {
    const bool by_driver = report.access == FaultAccess::execute || kernel.image_at(pointer(rip)) != nullptr;
    return bugcheck(by_driver ? DRIVER_IRQL_NOT_LESS_OR_EQUAL : IRQL_NOT_LESS_OR_EQUAL,
                    {address, machine.processor.irql, operation, rip});
  }
  // With special pool Windows knows better; without it no fault tells it anything [doc: 0xCC, 0xCD, 0xD5, 0xD6]. That
  // the driver's forms are those for a driver's own instruction is [assumed] from their names.
  if (const auto place = kernel.pool().place_of(pointer(address));
      place && place->block->kind == BlockKind::pool && place->block->guarded && operation <= trap_page_fault_write &&
      (place->freed || place->where != Pool::Place::Where::inside)) {
    const bool by_driver = kernel.image_at(pointer(rip)) != nullptr;
    const std::uint32_t code = place->freed ? (by_driver ? 0xD5 : 0xCC) : (by_driver ? 0xD6 : 0xCD);
    return bugcheck(code, {address, operation, rip, 0});
  }
  if (kernels) {
    const std::uint64_t told = kernel.config().build < windows_10      ? operation
                               : report.access == FaultAccess::write   ? 2
                               : report.access == FaultAccess::execute ? 0x10
                                                                       : 0;
    return bugcheck(PAGE_FAULT_IN_NONPAGED_AREA, {address, told, rip, not_present});
  }
  return exception(static_cast<std::uint32_t>(STATUS_ACCESS_VIOLATION), 2, {operation, address});
}

/// SIGFPE's si_code: <bits/siginfo-consts.h>.
TrapVerdict arithmetic(const FaultReport& report) {
  switch (report.signal_code) {
    case 1:  // FPE_INTDIV, of every divide error: the operand tells which of Windows' two it is [seen: user mode]
      return exception(machine::divided_by_zero(report) ? STATUS_INTEGER_DIVIDE_BY_ZERO : STATUS_INTEGER_OVERFLOW);
    case 2:  // FPE_INTOVF
      return exception(STATUS_INTEGER_OVERFLOW);
    case 3:
      return exception(STATUS_FLOAT_DIVIDE_BY_ZERO);
    case 4:
      return exception(STATUS_FLOAT_OVERFLOW);
    case 5:
      return exception(STATUS_FLOAT_UNDERFLOW);
    case 6:
      return exception(STATUS_FLOAT_INEXACT_RESULT);
    default:
      return exception(STATUS_FLOAT_INVALID_OPERATION);
  }
}

/// No ring 0 code makes system calls, and what they do there is nowhere documented. All [assumed]: syscall enters the
/// dispatcher, which swaps the processor's gs for user mode's and faults on that until the fault doubles; 64-bit
/// Windows leaves sysenter without a target, a general protection fault; an interrupt that is nobody's is as privileged
/// as any.
TrapVerdict system_call(const FaultReport& report) {
  const std::string_view instruction = report.instruction;
  if (instruction == "syscall") {
    return bugcheck(UNEXPECTED_KERNEL_MODE_TRAP, {double_fault, report.registers.rsp, 0, report.registers.rip});
  }
  if (instruction == "sysenter") {
    return exception(static_cast<std::uint32_t>(STATUS_ACCESS_VIOLATION), 2, {0, ~std::uint64_t{0}});
  }
  return exception(STATUS_PRIVILEGED_INSTRUCTION);
}

}  // namespace

bool is_user_address(std::uint64_t address) {
  return address < user_probe_address && !is_kernel_address(current(), current().machine(), address);
}

TrapVerdict judge(const FaultReport& report) {
  switch (report.kind) {
    case FaultKind::access:
      if (!report.address_known) {
        // The processor does not tell which address is not canonical: Windows says -1 too.
        return exception(static_cast<std::uint32_t>(STATUS_ACCESS_VIOLATION), 2, {0, ~std::uint64_t{0}});
      }
      return page_fault(report);
    case FaultKind::stack_overflow:
      return bugcheck(UNEXPECTED_KERNEL_MODE_TRAP, {double_fault, report.registers.rsp, 0, report.registers.rip});
    case FaultKind::illegal_instruction:
      return exception(STATUS_ILLEGAL_INSTRUCTION);
    case FaultKind::privileged_instruction:
      return exception(STATUS_PRIVILEGED_INSTRUCTION);
    case FaultKind::arithmetic:
      return arithmetic(report);
    case FaultKind::fast_fail:
      return bugcheck(KERNEL_SECURITY_CHECK_FAILURE, {report.code, report.registers.rsp, 0, 0});
    case FaultKind::breakpoint:
      if (report.code == 1) return exception(STATUS_SINGLE_STEP);
      if (report.code == 0x2c) return exception(STATUS_ASSERTION_FAILURE);
      return exception(static_cast<std::uint32_t>(STATUS_BREAKPOINT), 1, {});
    case FaultKind::system_call:
      return system_call(report);
    case FaultKind::abort:
    case FaultKind::hang:
    case FaultKind::other:
      break;
  }
  return {};
}

TrapVerdict unhandled(std::uint32_t status, std::uint64_t address, std::array<std::uint64_t, 2> information,
                      std::uint64_t record, std::uint64_t context) {
  const std::uint64_t wide = static_cast<std::uint64_t>(static_cast<std::int64_t>(static_cast<std::int32_t>(status)));
  if (current().machine().processor.irql < DISPATCH_LEVEL) {
    return bugcheck(SYSTEM_THREAD_EXCEPTION_NOT_HANDLED, {wide, address, record, context});
  }
  return bugcheck(KMODE_EXCEPTION_NOT_HANDLED, {wide, address, information[0], information[1]});
}

}  // namespace dumpsim::kernel
