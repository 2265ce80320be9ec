// SPDX-License-Identifier: Apache-2.0
// What an ELF image says about itself, read without running any of it: for `dumpsim inspect`, for messages about
// imports before anything is loaded, and for the loader, which relocates images from these facts alone. The file is
// untrusted; whatever passes here can be mapped and relocated without touching memory outside the image.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "machine/gate.hpp"

namespace dumpsim::loader {

/// Addresses in this file are relative to the image's base, as the image itself counts them.
struct ElfImport {
  std::string name;
  bool weak = false;  ///< may stay unresolved; its address is 0 then
};

struct ElfExport {
  std::string name;
  std::uint64_t address = 0;
  bool function = false;
};

struct ElfFunction {
  std::uint64_t address = 0;
  std::uint64_t bytes = 0;
  std::string name;
};

struct ElfRange {
  std::uint64_t address = 0;
  std::uint64_t bytes = 0;
};

struct ElfRelocation {
  enum class Value : std::uint8_t {
    base,      ///< base + addend
    import,    ///< imports[index] + addend
    own,       ///< base + addend, the addend being a symbol's address: told apart for inspection
    absolute,  ///< addend
  };
  std::uint64_t address = 0;  ///< eight bytes in a writable segment
  Value value = Value::base;
  std::uint32_t index = 0;
  std::uint64_t addend = 0;
};

/// One change of the file's bytes that makes a copy private.
struct ElfPatch {
  std::uint64_t offset = 0;
  std::uint64_t value = 0;
  std::uint8_t bytes = 8;  ///< 4 or 8
};

struct ElfFacts {
  std::string soname;
  std::vector<std::string> needed;
  std::vector<ElfImport> imports;
  std::vector<ElfExport> exports;
  std::vector<ElfFunction> functions;  ///< ascending; from the full symbol table when it is there
  std::vector<ElfRange> writable;      ///< segments a driver may write, without what is read-only after relocation
  ElfRange relro;                      ///< whole pages that become read-only once relocated; may be empty
  std::uint64_t bytes = 0;             ///< address space from the first to the last segment
  std::uint64_t first_page = 0;        ///< where the first segment's page begins; nearly always 0
  std::vector<ElfRelocation> relocations;
  std::vector<ElfPatch> patches;
  /// Static constructors beyond the C runtime's own. Windows runs none for a driver, so neither do we.
  std::size_t constructors = 0;
  /// By the import library it was linked with; none when with neither.
  std::optional<machine::Convention> convention;
};

/// Fails with what is wrong and what was expected; the caller puts the file's name before it. Windows images, 32-bit
/// and foreign ones, object files and programs are told by name.
Result<ElfFacts> read_elf(std::span<const std::byte> bytes);

/// DriverEntry, or the one C++ function of that name, which a compiler mangles unless told `extern "C"`. Fails when
/// there is none, or several.
Result<const ElfExport*> find_driver_entry(const ElfFacts& facts);

/// The libraries among `needed` that are not the import libraries: nothing is ever taken from them.
std::vector<std::string> foreign_libraries(const ElfFacts& facts);

}  // namespace dumpsim::loader
