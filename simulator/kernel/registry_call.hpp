// SPDX-License-Identifier: Apache-2.0
// What the handle calls and the Rtl* ones share: reading and changing the registry leaves its mark in the trace.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "kernel/registry.hpp"

namespace dumpsim::kernel {

/// A registry_read record: the key's path, the value's name, the status the driver got.
void record_read(const Registry::Key& key, std::u16string_view value, std::int32_t status);

// Changes. They are recorded whether calls are or not, since the machine is another one after them.
/// Sets a value.
void write_value(Registry::Key& key, std::u16string_view name, std::uint32_t type, std::span<const std::byte> bytes);
/// Deletes a value; STATUS_OBJECT_NAME_NOT_FOUND when there is none.
std::int32_t delete_value(Registry::Key& key, std::u16string_view name);
/// To be called when `key` has just been made.
void record_created(const Registry::Key& key);

}  // namespace dumpsim::kernel
