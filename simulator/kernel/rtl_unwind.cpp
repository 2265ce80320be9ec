// SPDX-License-Identifier: Apache-2.0
// Unwinding and looking at the stack, for code that does it itself. Its history tables are a cache of look-ups and are
// left alone [assumed].
#include <cstring>

#include "kernel/context_copy.hpp"
#include "kernel/exception.hpp"
#include "kernel/frame_walk.hpp"

namespace dumpsim::kernel {
namespace {

std::uint64_t number(const void* pointer) {
  return reinterpret_cast<std::uint64_t>(pointer);
}

}  // namespace

VOID RtlUnwind(PVOID TargetFrame, PVOID TargetIp, PEXCEPTION_RECORD ExceptionRecord, PVOID ReturnValue) {
  unwind_to(current(), number(TargetFrame), number(TargetIp), ExceptionRecord, number(ReturnValue));
}

VOID RtlUnwindEx(PVOID TargetFrame, PVOID TargetIp, PEXCEPTION_RECORD ExceptionRecord, PVOID ReturnValue, PCONTEXT,
                 PUNWIND_HISTORY_TABLE) {
  unwind_to(current(), number(TargetFrame), number(TargetIp), ExceptionRecord, number(ReturnValue));
}

VOID RtlCaptureContext(PCONTEXT ContextRecord) {
  FrameWalk walk(current());
  machine::dumpsim_capture_context(walk.start());
  walk.to_driver();
  to_wdk(walk.context(), *ContextRecord);
  // The other registers do not outlive the call; what stood in them is the host's.
  ContextRecord->Rax = ContextRecord->Rcx = ContextRecord->Rdx = 0;
  ContextRecord->R8 = ContextRecord->R9 = ContextRecord->R10 = ContextRecord->R11 = 0;
}

VOID RtlRestoreContext(PCONTEXT ContextRecord, PEXCEPTION_RECORD) {
  machine::Context context;
  from_wdk(*ContextRecord, context);
  resume(current(), context);
}

PRUNTIME_FUNCTION RtlLookupFunctionEntry(ULONG64 ControlPc, PULONG64 ImageBase, PUNWIND_HISTORY_TABLE) {
  const ImageRange* image = current().image_at(reinterpret_cast<const void*>(ControlPc));
  if (image == nullptr || image->functions.empty()) return nullptr;
  *ImageBase = number(image->base);
  const machine::FunctionRow* row = machine::find_function(unwind_image(*image), ControlPc);
  if (row == nullptr) return nullptr;
  const auto index = static_cast<std::size_t>(row - image->functions.data());
  return reinterpret_cast<PRUNTIME_FUNCTION>(number(image->function_table) + index * sizeof *row);
}

PEXCEPTION_ROUTINE RtlVirtualUnwind(ULONG HandlerType, ULONG64 ImageBase, ULONG64 ControlPc,
                                    PRUNTIME_FUNCTION FunctionEntry, PCONTEXT ContextRecord, PVOID* HandlerData,
                                    PULONG64 EstablisherFrame, PKNONVOLATILE_CONTEXT_POINTERS ContextPointers) {
  Kernel& kernel = current();
  const DriverMemory memory(kernel.gate().stack());
  const ImageRange* image = kernel.image_at(reinterpret_cast<const void*>(ImageBase));
  machine::Context context;
  from_wdk(*ContextRecord, context);
  context.rip = ControlPc;
  const machine::UnwindImage tables{ImageBase, image == nullptr ? 0 : image->bytes, {}};
  const machine::FunctionRow row{FunctionEntry->BeginAddress, FunctionEntry->EndAddress, FunctionEntry->UnwindData};
  machine::UnwoundFrame frame;
  machine::SavedPlaces places;
  const auto wanted = static_cast<machine::HandlerKind>(HandlerType & (UNW_FLAG_EHANDLER | UNW_FLAG_UHANDLER));
  const char* wrong = machine::unwind_frame(memory, tables, row, wanted, context, frame, &places);
  if (wrong != nullptr) raise_status(kernel, STATUS_BAD_FUNCTION_TABLE);
  CONTEXT& into = *ContextRecord;
  std::memcpy(&into.Rax, context.gpr.data(), sizeof context.gpr);
  std::memcpy(&into.Xmm0, context.xmm.data(), sizeof context.xmm);
  into.Rip = context.rip;
  *EstablisherFrame = frame.establisher;
  if (HandlerData != nullptr) *HandlerData = reinterpret_cast<PVOID>(frame.handler_data);
  if (ContextPointers != nullptr) {
    for (std::size_t i = 0; i < places.gpr.size(); ++i) {
      if (places.gpr[i] != 0) ContextPointers->IntegerContext[i] = reinterpret_cast<PULONG64>(places.gpr[i]);
      if (places.xmm[i] != 0) ContextPointers->FloatingContext[i] = reinterpret_cast<PM128A>(places.xmm[i]);
    }
  }
  return reinterpret_cast<PEXCEPTION_ROUTINE>(frame.handler);
}

PVOID RtlPcToFileHeader(PVOID PcValue, PVOID* BaseOfImage) {
  const ImageRange* image = current().image_at(PcValue);
  *BaseOfImage = image == nullptr ? nullptr : const_cast<std::byte*>(image->base);
  return *BaseOfImage;
}

USHORT RtlCaptureStackBackTrace(ULONG FramesToSkip, ULONG FramesToCapture, PVOID* BackTrace, PULONG BackTraceHash) {
  FrameWalk walk(current());
  machine::dumpsim_capture_context(walk.start());
  USHORT count = 0;
  ULONG hash = 0;
  while (count < FramesToCapture && walk.to_driver()) {
    if (FramesToSkip != 0) {
      --FramesToSkip;
    } else {
      BackTrace[count++] = reinterpret_cast<PVOID>(walk.context().rip);
      hash += static_cast<ULONG>(walk.context().rip);
    }
    if (!walk.leave_frame()) break;
  }
  if (BackTraceHash != nullptr) *BackTraceHash = hash;
  return count;
}

}  // namespace dumpsim::kernel
