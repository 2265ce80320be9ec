// SPDX-License-Identifier: Apache-2.0
// What the kernel exports as data: the variables that point at type objects. Free of WDK names in its interface.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace dumpsim::kernel {

enum class TypeIndex : std::size_t {
#define OBJECT_TYPE(variable, name) type_##variable,
#include "kernel/object_types.def"
#undef OBJECT_TYPE
  count_
};
inline constexpr std::size_t object_type_count = static_cast<std::size_t>(TypeIndex::count_);

struct ObjectTypeVariable {
  std::string_view name;          ///< "PsThreadType"
  const void* address = nullptr;  ///< what a .sys finds in its import table
};
std::span<const ObjectTypeVariable> object_type_variables();

}  // namespace dumpsim::kernel
