// SPDX-License-Identifier: Apache-2.0
// What the kernel exports as data, as a loader binds it: exported_variables.def. Free of WDK names.
#pragma once

#include <span>
#include <string_view>

namespace dumpsim::kernel {

struct ExportedVariable {
  std::string_view name;          ///< "PsThreadType"
  const void* address = nullptr;  ///< what a .sys finds in its import table
};
std::span<const ExportedVariable> exported_variables();

}  // namespace dumpsim::kernel
