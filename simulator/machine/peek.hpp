// SPDX-License-Identifier: Apache-2.0
// A look at memory that may not be there: any address that a driver chose.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace dumpsim::machine {

/// Copies what is readable at `address`, from there on; the number of bytes. Async-signal-safe.
std::size_t peek(std::uint64_t address, std::span<std::byte> into);

}  // namespace dumpsim::machine
