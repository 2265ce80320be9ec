// SPDX-License-Identifier: Apache-2.0
// What stands behind a handle on a file or folder, and what the file routines share.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "kernel/file_tree.hpp"

namespace dumpsim::kernel {

class Kernel;

struct OpenFile {
  FileTree::Node* node = nullptr;
  std::uint32_t access = 0;   ///< granted, generic rights resolved
  std::uint32_t share = 0;    ///< FILE_SHARE_*
  std::uint32_t options = 0;  ///< FILE_* of the create call
  std::uint64_t position = 0;
  // Of an enumeration: the pattern of the first call, and how many entries have been given.
  std::optional<std::u16string> pattern;
  std::size_t given = 0;

  bool synchronous() const;
  bool may(std::uint32_t rights) const { return (access & rights) == rights; }
};

/// Gives up what an open handle holds; a file that waits for its last handle goes now.
void close_file(Kernel& kernel, OpenFile& file);

/// What a file call comes to before it does anything: STATUS_SUCCESS, or that nothing is behind the file system at this
/// IRQL (Config::raised_files). May not return.
std::int32_t files_available(Kernel& kernel);

}  // namespace dumpsim::kernel
