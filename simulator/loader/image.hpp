// SPDX-License-Identifier: Apache-2.0
// A driver image in memory. Every load makes a copy of the file for itself and relocates it against the kernel's
// exports of the image's own calling convention, so that two stack instances of one filter share nothing (C++ inline
// and template statics included), nothing of the host can capture its imports, and loading again starts from pristine
// bytes. Mapping is left to the system, so that debuggers and unwinders know the image like any library.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.hpp"
#include "base/result.hpp"
#include "loader/elf_facts.hpp"
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
  /// Overrides what the import library it was linked with says; needed for an image that was linked with none and is
  /// not System V.
  std::optional<machine::Convention> convention;
};

class Image {
 public:
  /// Reads, checks, copies, maps and relocates; runs nothing of the image. Fails naming the file: missing, not an ELF
  /// shared library for x86-64, no DriverEntry, functions that are not simulated (all of them, a line each).
  static Result<std::unique_ptr<Image>> load(const std::filesystem::path& path, const ExportTable& exports,
                                             LoadOptions options);
  /// Unmaps it. REQUIRES: nothing of it runs or is called again.
  ~Image();
  Image(const Image&) = delete;
  Image& operator=(const Image&) = delete;

  const std::string& name() const { return name_; }
  const std::filesystem::path& path() const { return path_; }
  machine::Convention convention() const { return convention_; }
  /// DriverEntry.
  const void* entry() const { return entry_; }
  const std::byte* base() const { return base_; }
  std::size_t bytes() const { return static_cast<std::size_t>(facts_.bytes); }
  bool contains(const void* address) const {
    const auto* at = static_cast<const std::byte*>(address);
    return at >= base_ && at < base_ + bytes();
  }
  /// What the image may write, ascending: its state, for a snapshot that is to be restored.
  std::span<const std::span<std::byte>> writable() const { return writable_; }
  /// "dump_xor+0x123". REQUIRES: contains(address).
  std::string describe(const void* address) const;
  /// The function that holds `address`, or the nearest one before it, with the distance: "XorWrite+0x12"; empty when
  /// there is none. Names are as the linker sees them.
  std::string function_at(const void* address) const;
  const ElfFacts& facts() const { return facts_; }
  /// What a driver author should know though it loads, a line each: foreign libraries, static constructors.
  const std::vector<std::string>& notes() const { return notes_; }

 private:
  Image() = default;
  Result<void> bind(const ExportTable& exports);
  Result<void> map(std::vector<std::byte> file);
  Result<void> relocate();
  std::byte* at(std::uint64_t address) const { return bias_ + address; }

  std::string name_;
  std::filesystem::path path_;
  machine::Convention convention_ = machine::Convention::system_v;
  ElfFacts facts_;
  std::vector<const void*> imports_;  // as facts_.imports; nullptr for a weak one that nobody offers
  File copy_;                         // open as long as the image lives: its path must not name another file
  void* handle_ = nullptr;
  std::byte* bias_ = nullptr;  // what is added to the image's own addresses
  const std::byte* base_ = nullptr;
  const void* entry_ = nullptr;
  std::vector<std::span<std::byte>> writable_;
  std::vector<std::string> notes_;
};

}  // namespace dumpsim::loader
