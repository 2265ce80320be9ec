// SPDX-License-Identifier: Apache-2.0
// Where in a driver's source an address of its image is: by the image's own DWARF (libdw), or by a .pdb or a .sys's
// DWARF, which llvm-symbolizer reads where that is installed. Run by the parent, after the fact.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace dumpsim::engine {

/// Empty and 0 for what is not known.
struct CodePlace {
  std::string function;
  std::filesystem::path source;  ///< as the compiler was given it, made absolute by what the image says
  std::uint32_t line = 0;
};

/// One place for each offset from the base of `image`, in their order. A file that cannot be read has none to tell.
std::vector<CodePlace> code_places(const std::filesystem::path& image, std::span<const std::uint64_t> offsets);

/// For people and reports: relative to the working directory if it lies in it, else without its folders, which are the
/// building machine's.
std::string shown_source(const std::filesystem::path& source);

}  // namespace dumpsim::engine
