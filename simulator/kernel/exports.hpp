// SPDX-License-Identifier: Apache-2.0
// The one table of what the simulated kernel exports. Each row has an entry point for either x64 calling convention,
// made from the same implementation; loaders bind imports to them, MmGetSystemRoutineAddress finds them by name. What
// is not in the table is not simulated, and an image that needs it does not link.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "machine/gate.hpp"

namespace dumpsim::kernel {

struct Export {
  std::string_view name;
  std::uint8_t max_irql = 0;  ///< documented; 15 when any level will do
  bool may_fault = false;     ///< it can fail, so a fault plan may make it fail
  const void* system_v = nullptr;
  const void* microsoft = nullptr;

  const void* entry(machine::Convention convention) const {
    return convention == machine::Convention::system_v ? system_v : microsoft;
  }
};

/// In the order of exports.def, which the import libraries' jump tables share.
std::span<const Export> all_exports();
/// By name; a wide C function also by its plain name (wcslen is exported as dumpsim_wcslen, because in an ELF image the
/// plain name would bind to the C library's). nullptr when it is not simulated.
const Export* find_export(std::string_view name);

/// Positions in the table: export_index::ExFreePool.
namespace export_index {
enum : std::uint16_t {
#define EXPORT(name, max_irql, may_fault) name,
#include "kernel/exports.def"
#undef EXPORT
  count
};
}  // namespace export_index

}  // namespace dumpsim::kernel
