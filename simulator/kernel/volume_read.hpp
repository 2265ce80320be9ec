// SPDX-License-Identifier: Apache-2.0
// A read of the dump volume as the next boot's: an IRP through the whole of the volume's stack. What a driver there
// does to it is part of the answer.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/offsets.hpp"
#include "kernel/kernel.hpp"

namespace dumpsim::kernel {

struct VolumeReading {
  std::int32_t status = 0;  ///< the NTSTATUS the IRP was completed with; STATUS_PENDING: nobody completed it
  std::uint64_t bytes = 0;  ///< what it is said to have moved
};

/// IRP_MJ_READ to the top of the dump volume's stack, waited for. `into` is memory of the machine's; `at` and `length`
/// are whole sectors. Meaningless once Kernel::left(). REQUIRES: Kernel::create_volume().
VolumeReading read_volume(Kernel& kernel, PartitionOffset at, std::byte* into, std::uint32_t length);

}  // namespace dumpsim::kernel
