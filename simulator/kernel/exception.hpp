// SPDX-License-Identifier: Apache-2.0
// Dispatch of exceptions on a driver's stack, in two passes as x64 Windows does it [doc: x64 exception handling]: first
// every frame's handler is asked, from the innermost outward, while the frames still stand; then, when one wants it,
// the frames within that one are left, and their termination handlers run.
#pragma once

#include "kernel/kernel.hpp"
//
#include "kernel/ddi.hpp"

namespace dumpsim::kernel {

/// The first pass. True: go on at `*dispatch.context`, which a filter may have changed. False: nobody handles it. Does
/// not return when a handler takes it.
bool search_handler(Kernel& kernel, Dispatch& dispatch);

/// The second pass: leaves all frames within `target` (an establisher frame; 0: all there are) and goes on at
/// `target_ip` with `value` in rax. `record` is the exception, or nullptr.
[[noreturn]] void unwind_to(Kernel& kernel, std::uint64_t target, std::uint64_t target_ip, EXCEPTION_RECORD* record,
                            std::uint64_t value);

/// Raises `record` in the name of the driver that called the present export, at the place of that call; returns when a
/// filter says to go on. What nobody handles is the bugcheck for it.
void raise(Kernel& kernel, EXCEPTION_RECORD& record);
/// The same with a status alone, which cannot be gone on from.
[[noreturn]] void raise_status(Kernel& kernel, NTSTATUS status, std::uint32_t count = 0,
                               std::array<std::uint64_t, 2> information = {});

/// Goes on in a driver: in the call whose part of the stack context.rsp lies in.
[[noreturn]] void resume(Kernel& kernel, machine::Context& context);

}  // namespace dumpsim::kernel
