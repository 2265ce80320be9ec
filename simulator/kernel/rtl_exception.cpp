// SPDX-License-Identifier: Apache-2.0
// The routines that raise exceptions, and those by which compiled code takes part in their dispatch.
#include "kernel/exception.hpp"
#include "kernel/trap.hpp"

namespace dumpsim::kernel {
namespace {

std::uint64_t number(const volatile void* pointer) {
  return reinterpret_cast<std::uint64_t>(pointer);
}

// Raised when it is so, without touching what is there [doc].
void probe(const volatile void* address, SIZE_T length, ULONG alignment) {
  if (length == 0) return;
  if ((number(address) & (alignment - 1)) != 0) kernel::ExRaiseDatatypeMisalignment();
  const std::uint64_t last = number(address) + length - 1;
  if (last < number(address) || !is_user_address(number(address)) || !is_user_address(last)) {
    kernel::ExRaiseAccessViolation();
  }
}

}  // namespace

VOID ExRaiseStatus(NTSTATUS Status) {
  raise_status(current(), Status);
}
VOID RtlRaiseStatus(NTSTATUS Status) {
  raise_status(current(), Status);
}
VOID ExRaiseAccessViolation() {
  raise_status(current(), STATUS_ACCESS_VIOLATION);
}
VOID ExRaiseDatatypeMisalignment() {
  raise_status(current(), STATUS_DATATYPE_MISALIGNMENT);
}

VOID RtlRaiseException(PEXCEPTION_RECORD ExceptionRecord) {
  ExceptionRecord->ExceptionAddress = nullptr;  // the caller's, whatever stood there
  if (ExceptionRecord->NumberParameters > EXCEPTION_MAXIMUM_PARAMETERS) {
    ExceptionRecord->NumberParameters = EXCEPTION_MAXIMUM_PARAMETERS;
  }
  raise(current(), *ExceptionRecord);
}

VOID ProbeForRead(const volatile VOID* Address, SIZE_T Length, ULONG Alignment) {
  probe(Address, Length, Alignment);
}

// It writes to every page too [doc]: what cannot be written raises there.
VOID ProbeForWrite(volatile VOID* Address, SIZE_T Length, ULONG Alignment) {
  probe(Address, Length, Alignment);
  if (Length == 0) return;
  constexpr std::uint64_t page = 4096;
  const std::uint64_t last = number(Address) + Length - 1;
  for (std::uint64_t at = number(Address); at <= last; at = (at & ~(page - 1)) + page) {
    auto* byte = reinterpret_cast<volatile char*>(at);
    *byte = *byte;
  }
}

// ---- the C compiler's part ----

namespace {

/// Whether the scope is left when `target` is where things go on: not when that lies in the same scope.
bool holds(const SCOPE_TABLE_AMD64& table, ULONG scope, std::uint64_t target) {
  const auto& wanted = table.ScopeRecord[scope];
  for (ULONG i = 0; i < table.Count; ++i) {
    const auto& other = table.ScopeRecord[i];
    if (target >= other.BeginAddress && target < other.EndAddress && other.HandlerAddress == wanted.HandlerAddress &&
        other.JumpTarget == wanted.JumpTarget) {
      return true;
    }
  }
  return false;
}

std::uint64_t call(Kernel& kernel, std::uint64_t routine, std::uint64_t first, PVOID frame) {
  const std::uint64_t arguments[] = {first, number(frame)};
  return kernel.gate().call(machine::Convention::microsoft, reinterpret_cast<const void*>(routine), arguments).value;
}

}  // namespace

// A scope with a jump target is a __try with __except: its handler is the filter, or 1 where that is constant. One
// without is a __try with __finally [doc: x64 exception handling, scope tables of the C compiler].
EXCEPTION_DISPOSITION __C_specific_handler(PEXCEPTION_RECORD ExceptionRecord, PVOID EstablisherFrame,
                                           PCONTEXT ContextRecord, PDISPATCHER_CONTEXT DispatcherContext) {
  Kernel& kernel = current();
  const auto& table = *static_cast<const SCOPE_TABLE_AMD64*>(DispatcherContext->HandlerData);
  const std::uint64_t base = DispatcherContext->ImageBase;
  // The table is the image's: what does not lie in it whole has no scopes.
  const ImageRange* image = kernel.image_at(&table);
  if (image == nullptr) return ExceptionContinueSearch;
  const std::uint64_t room = number(image->base) + image->bytes - number(&table);
  if (room < sizeof table.Count || (room - sizeof table.Count) / sizeof table.ScopeRecord[0] < table.Count) {
    return ExceptionContinueSearch;
  }
  const std::uint64_t pc = DispatcherContext->ControlPc - base;
  const bool unwinding = (ExceptionRecord->ExceptionFlags & EXCEPTION_UNWIND) != 0;
  const std::uint64_t target = DispatcherContext->TargetIp - base;
  for (ULONG i = DispatcherContext->ScopeIndex; i < table.Count; ++i) {
    const auto& scope = table.ScopeRecord[i];
    if (pc < scope.BeginAddress || pc >= scope.EndAddress) continue;
    if (!unwinding) {
      if (scope.JumpTarget == 0) continue;
      LONG said = EXCEPTION_EXECUTE_HANDLER;
      if (scope.HandlerAddress != EXCEPTION_EXECUTE_HANDLER) {
        EXCEPTION_POINTERS pointers{ExceptionRecord, ContextRecord};
        said = static_cast<LONG>(call(kernel, base + scope.HandlerAddress, number(&pointers), EstablisherFrame));
      }
      if (said < 0) return ExceptionContinueExecution;
      if (said == 0) continue;
      unwind_to(kernel, number(EstablisherFrame), base + scope.JumpTarget, ExceptionRecord,
                static_cast<std::uint32_t>(ExceptionRecord->ExceptionCode));
    }
    if ((ExceptionRecord->ExceptionFlags & EXCEPTION_TARGET_UNWIND) != 0) {
      if (holds(table, i, target) || (scope.JumpTarget != 0 && scope.JumpTarget == target)) break;
    }
    if (scope.JumpTarget != 0) continue;
    // A fault in there must not begin with this scope again.
    DispatcherContext->ScopeIndex = i + 1;
    call(kernel, base + scope.HandlerAddress, TRUE, EstablisherFrame);
  }
  return ExceptionContinueSearch;
}

// In virtual tables, where a class has promised a function and given none. That the kernel exports it is [seen: import
// libraries of ntoskrnl]; what it raises is [assumed].
int _purecall() {
  Kernel& kernel = current();
  kernel.recorder().fault(kernel.image(), kernel.callback(), trace::FaultKind::other,
                          "a pure virtual function was called");
  raise_status(kernel, STATUS_NOT_IMPLEMENTED);
}
VOID __cxa_pure_virtual() {
  kernel::_purecall();
}

VOID _local_unwind(PVOID TargetFrame, PVOID TargetIp) {
  unwind_to(current(), number(TargetFrame), number(TargetIp), nullptr, 0);
}

}  // namespace dumpsim::kernel
