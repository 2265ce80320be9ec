// SPDX-License-Identifier: Apache-2.0
#include "kernel/context_copy.hpp"

#include <cstring>

namespace dumpsim::kernel {
namespace {

// Rax to R15 stand in the processor's order.
static_assert(offsetof(CONTEXT, R15) - offsetof(CONTEXT, Rax) == 15 * sizeof(ULONG64));
static_assert(offsetof(CONTEXT, Rsp) - offsetof(CONTEXT, Rax) == machine::gpr_rsp * sizeof(ULONG64));
static_assert(sizeof(M128A) == sizeof(machine::Context::Xmm));

// What every thread of an x64 kernel has.
constexpr USHORT kernel_code = 0x10;
constexpr USHORT kernel_data = 0x18;
constexpr USHORT user_data = 0x2B;
constexpr USHORT user_teb = 0x53;
constexpr USHORT x87_control = 0x27F;

}  // namespace

void to_wdk(const machine::Context& from, CONTEXT& to) {
  std::memset(&to, 0, sizeof to);
  to.ContextFlags = CONTEXT_FULL;
  to.ContextFlags |= CONTEXT_SEGMENTS;
  to.MxCsr = to.FltSave.MxCsr = from.mxcsr;
  to.FltSave.MxCsr_Mask = 0xFFFF;
  to.FltSave.ControlWord = x87_control;
  to.SegCs = kernel_code;
  to.SegSs = kernel_data;
  to.SegDs = to.SegEs = to.SegGs = user_data;
  to.SegFs = user_teb;
  to.EFlags = static_cast<ULONG>(from.flags);
  std::memcpy(&to.Rax, from.gpr.data(), sizeof from.gpr);
  to.Rip = from.rip;
  std::memcpy(&to.Xmm0, from.xmm.data(), sizeof from.xmm);
}

void from_wdk(const CONTEXT& from, machine::Context& to) {
  std::memcpy(to.gpr.data(), &from.Rax, sizeof to.gpr);
  to.rip = from.Rip;
  to.flags = from.EFlags;
  to.mxcsr = from.MxCsr;
  const M128A* const xmm = from.FltSave.XmmRegisters;
  for (std::size_t i = 0; i < to.xmm.size(); ++i) to.xmm[i] = {xmm[i].Low, static_cast<std::uint64_t>(xmm[i].High)};
}

}  // namespace dumpsim::kernel
