// SPDX-License-Identifier: Apache-2.0
// Files in memory that several processes have open: what one of them must not do to the others.
#pragma once

#include <fcntl.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "base/file.hpp"
#include "base/result.hpp"

namespace dumpsim {

/// From now on nobody who has the file, made by File::in_memory(), can do what `seals` (F_SEAL_…) forbid, nor undo
/// this.
inline Result<void> seal(const File& file, int seals) {
  if (fcntl(file.fd(), F_ADD_SEALS, seals) == 0) return {};
  return Error{.message = "cannot seal " + file.path().string() + ": " + std::strerror(errno), .host = true};
}

/// Its content and length are fixed.
inline Result<void> seal_content(const File& file) {
  return seal(file, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
}
/// Its length is fixed: a mapping of it can be looked at without fear of a fault.
inline Result<void> seal_length(const File& file) {
  return seal(file, F_SEAL_SHRINK | F_SEAL_GROW);
}

}  // namespace dumpsim
