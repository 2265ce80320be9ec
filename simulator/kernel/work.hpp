// SPDX-License-Identifier: Apache-2.0
// The system's worker threads. Free of WDK names.
#pragma once

namespace dumpsim::kernel {

class Kernel;
struct Thread;

/// What a worker thread does: one item after the other, and rest while there is none.
[[noreturn]] void serve_work(Kernel& kernel, Thread& worker);

}  // namespace dumpsim::kernel
