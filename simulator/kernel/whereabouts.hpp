// SPDX-License-Identifier: Apache-2.0
// Which driver's routine runs, also from within another's and whichever thread has its turn: whoever watches from
// outside has to know when the process dies. Lies in shared memory.
#pragma once

#include <atomic>
#include <cstdint>

namespace dumpsim::kernel {

struct Whereabouts {
  std::atomic<std::uint64_t> ordinal{0};  ///< routines entered so far; also the watchdog's sign of life
  std::atomic<std::uint32_t> running{0};  ///< image << 8 | callback while one runs, 0 between
};

}  // namespace dumpsim::kernel
