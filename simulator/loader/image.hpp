// SPDX-License-Identifier: Apache-2.0
// A driver image in memory, whatever its file format. Every load makes a copy of the file for itself and binds it to
// the kernel's exports of the image's own calling convention, so that two stack instances of one filter share nothing,
// nothing of the host can capture its imports, and loading again starts from pristine bytes. What the rest of the house
// needs of an image is here; how ELF (.so) and PE32+ (.sys) get there is in elf_image.cpp and pe_image.cpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "machine/driver_sections.hpp"
#include "machine/gate.hpp"

namespace dumpsim::loader {

/// What the kernel offers to images: name by name the entry point of either convention. The three have one length.
struct ExportTable {
  std::span<const std::string_view> names;
  std::span<const void* const> system_v;
  std::span<const void* const> microsoft;
};

struct LoadOptions {
  /// What the image is called from now on: "dump_xor". Also what debuggers and /proc/self/maps show.
  std::string instance;
  /// Overrides what the import library it was linked with says; needed for an ELF image that was linked with none and
  /// is not System V. A .sys is Microsoft's.
  std::optional<machine::Convention> convention;
  /// What the image's random numbers (the security cookie) are made from, with its name.
  std::uint64_t seed = 0;
  /// An ELF image with functions that nobody provides is loaded all the same, and calling one ends the run, as in a
  /// .sys.
  bool trap_missing = false;
};

class Image {
 public:
  /// Reads, checks, copies, maps and relocates; runs nothing of the image. The first bytes tell its format. Fails
  /// naming the file: missing, neither an ELF shared library nor a native PE32+ image for x64, damaged, no DriverEntry;
  /// for ELF also functions that are not simulated (all of them, a line each), unless they are to be trapped.
  static Result<std::unique_ptr<Image>> load(const std::filesystem::path& path, const ExportTable& exports,
                                             LoadOptions options);
  /// Unmaps it. REQUIRES: nothing of it runs or is called again.
  virtual ~Image() = default;
  Image(const Image&) = delete;
  Image& operator=(const Image&) = delete;

  const std::string& name() const { return name_; }
  const std::filesystem::path& path() const { return path_; }
  machine::Convention convention() const { return convention_; }
  /// DriverEntry.
  const void* entry() const { return entry_; }
  const std::byte* base() const { return base_; }
  std::size_t bytes() const { return bytes_; }
  bool contains(const void* address) const {
    const auto* at = static_cast<const std::byte*>(address);
    return at >= base_ && at < base_ + bytes_;
  }
  /// What the image may write, ascending: its state, for a snapshot that is to be restored.
  std::span<const std::span<std::byte>> writable() const { return writable_; }
  /// What stays of the image after DriverEntry, section by section; empty where sections share pages, and for ELF,
  /// whose linker lays what is pageable beside what is not.
  std::span<const machine::DriverSection> sections() const { return sections_; }
  /// .pdata: rows of three 32-bit addresses relative to base() (begin, end, unwind information), ascending and inside
  /// the image; the unwind information itself is unchecked. Empty for ELF.
  std::span<const std::byte> function_table() const { return function_table_; }
  /// "dump_xor+0x123". REQUIRES: contains(address).
  std::string describe(const void* address) const;
  /// The function that holds `address`, or the nearest one before it, with the distance: "XorWrite+0x12"; empty when
  /// there is none. Names are as the linker sees them.
  std::string function_at(const void* address) const;
  /// From and to, relative to base(): the functions of the C library that were linked into it, as far as it has names.
  std::vector<std::pair<std::uint32_t, std::uint32_t>> c_library() const;
  /// What a driver author should know though it loads, a line each: foreign libraries, static constructors.
  const std::vector<std::string>& notes() const { return notes_; }

  /// An import that nobody provides has an address of its own, where nothing is mapped: calling or reading it faults
  /// there. "ntoskrnl.exe!KeFoo" when `address` lies at one; empty otherwise.
  virtual std::string_view missing_import_at(const void* address) const;
  /// DriverEntry has returned: sections that Windows discards then are inaccessible from now on.
  virtual void discard_initialization() {}
  /// The name of the discarded section that `address` lies in; empty otherwise.
  virtual std::string_view discarded_section_at(const void* address) const;

 protected:
  struct Function {
    std::uint64_t address = 0;  ///< relative to base_
    std::string name;
  };

  Image(std::filesystem::path path, LoadOptions options, machine::Convention convention)
      : name_(std::move(options.instance)), path_(std::move(path)), convention_(convention) {}

  std::string name_;
  std::filesystem::path path_;
  machine::Convention convention_;
  const std::byte* base_ = nullptr;
  std::size_t bytes_ = 0;
  const void* entry_ = nullptr;
  std::vector<std::span<std::byte>> writable_;
  std::vector<machine::DriverSection> sections_;
  std::span<const std::byte> function_table_;
  std::vector<Function> functions_;  // ascending
  std::vector<std::string> notes_;
};

/// The error every loader's message has the form of: "image PATH: what".
Error about_image(const std::filesystem::path& path, std::string_view what);

}  // namespace dumpsim::loader
