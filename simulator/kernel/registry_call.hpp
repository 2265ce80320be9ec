// SPDX-License-Identifier: Apache-2.0
// What the handle calls and RtlQueryRegistryValues share: a read leaves its mark in the trace.
#pragma once

#include <cstdint>
#include <string_view>

#include "kernel/registry.hpp"

namespace dumpsim::kernel {

/// A registry_read record: the key's path, the value's name, the status the driver got.
void record_read(const Registry::Key& key, std::u16string_view value, std::int32_t status);

}  // namespace dumpsim::kernel
