// SPDX-License-Identifier: Apache-2.0
#include "engine/warm_host.hpp"

#include <utility>

namespace dumpsim::engine {

Result<machine::PhysicalMemory> WarmHost::take_memory(const scenario::Memory& memory, const Plan& plan) {
  // A file of memory may be another one by the next run.
  std::optional<MemoryKey> wanted;
  if (memory.fill != scenario::Fill::image) wanted = MemoryKey{memory.fill, memory.seed, plan.ram};
  if (memory_ && wanted && key_ == wanted) {
    machine::PhysicalMemory kept = *std::move(memory_);
    memory_.reset();
    return kept;
  }
  memory_.reset();
  key_ = std::move(wanted);
  return machine::PhysicalMemory::create(plan.ram, plan.source, {});
}

void WarmHost::give_back(machine::PhysicalMemory memory) {
  if (key_) memory_ = std::move(memory);
}

}  // namespace dumpsim::engine
