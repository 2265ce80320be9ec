// SPDX-License-Identifier: Apache-2.0
// Where a file is for whoever reads a report elsewhere: as seen from the top of the repository, whatever folder the job
// ran in. Words only: nothing here looks at a disk.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace dumpsim::report {

struct Places {
  std::filesystem::path root;  ///< the repository's top folder, absolute
  std::filesystem::path here;  ///< the current folder, absolute
  /// The top folder by the way the shell came here, through symbolic links: what compilers write down. May be empty.
  std::filesystem::path also_root = {};

  /// A path as given on the command line, seen from the root; absolute when it lies outside.
  std::string of_argument(const std::filesystem::path& path) const;
  /// A source as it was compiled: relative paths are the repository's already.
  std::string of_source(const std::string& path) const;
};

/// A path as the reference of a URI: relative, or "file:///…" when it is absolute.
std::string uri_of(std::string_view path);

/// As a shell takes it: quoted where it has to be.
std::string shell_word(std::string_view word);

}  // namespace dumpsim::report
