// SPDX-License-Identifier: Apache-2.0
// GUIDs as they lie in memory, and as Windows writes them: three little-endian numbers, then eight bytes.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace dumpsim {

/// "{65755a40-f146-43ea-8c91-36b85728fd35}".
std::string format_guid(std::span<const std::byte, 16> guid);
/// The same, with or without braces, in either case. Fails saying what was expected.
Result<std::array<std::byte, 16>> parse_guid(std::string_view text);

}  // namespace dumpsim
