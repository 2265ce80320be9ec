// SPDX-License-Identifier: Apache-2.0
// What the memory and the raw disk share: complete reads of a descriptor, and a walk over the stretches of a sparse
// file that are stored. Inside the room only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>

#include "base/offsets.hpp"
#include "base/result.hpp"

namespace dumpsim::disk {

/// All of `into` from `offset`, or false: an error of the host, or the file ends before.
bool read_fully(int fd, std::uint64_t offset, std::span<std::byte> into);

/// Calls `visit` for each stored stretch below `size`, ascending and apart, widened to multiples of 4096 (or to
/// `size`); stops when it returns false or an error. A file system that knows no holes gives one stretch.
Result<void> for_each_stored_range(int fd, std::uint64_t size,
                                   const std::function<Result<bool>(DiskOffset at, std::uint64_t length)>& visit);

}  // namespace dumpsim::disk
