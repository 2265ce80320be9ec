// SPDX-License-Identifier: Apache-2.0
// A filter built as an ELF shared library. Mapping is left to the system, so that debuggers and unwinders know the
// image like any library; C++ inline and template statics, which the system would share between copies, stay private.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/file.hpp"
#include "base/mapping.hpp"
#include "loader/elf_facts.hpp"
#include "loader/image.hpp"

namespace dumpsim::loader {

/// What every load of one file has in common.
struct ElfTemplate {
  ElfFacts facts;
  std::uint64_t entry = 0;         ///< DriverEntry, relative to the image's base
  std::vector<std::byte> patched;  ///< the file with the changes that make a copy private

  /// Fails with what is wrong; the caller puts the file's name before it.
  static Result<ElfTemplate> of(std::span<const std::byte> file);
};

class ElfImage final : public Image {
 public:
  /// `copy` is a copy_of() the same template that nobody else loads, or none: one is made then. As Image::load.
  static Result<std::unique_ptr<Image>> load(const std::filesystem::path& path,
                                             std::shared_ptr<const ElfTemplate> image, std::optional<File> copy,
                                             const ExportTable& exports, LoadOptions options);
  /// A file in memory for one load, shown as `name` by debuggers, which nobody can write any more.
  static Result<File> copy_of(const ElfTemplate& image, const std::string& name);
  ~ElfImage() override;

  std::string_view missing_import_at(const void* address) const override;
  const ElfFacts& facts() const { return template_->facts; }

 private:
  Result<void> trap(const std::vector<std::size_t>& missing);
  ElfImage(std::filesystem::path path, LoadOptions options, machine::Convention convention, bool trap_missing,
           std::shared_ptr<const ElfTemplate> image)
      : Image(std::move(path), std::move(options), convention),
        trap_missing_(trap_missing),
        template_(std::move(image)) {}
  Result<void> bind(const ExportTable& exports);
  Result<void> map(std::optional<File> copy);
  Result<void> relocate();
  std::byte* at(std::uint64_t address) const { return bias_ + address; }

  bool trap_missing_;
  Mapping traps_;                        // a page nobody may touch for each missing import
  std::vector<std::string> trap_names_;  // in their order
  File copy_;                            // open as long as the image lives: its path must not name another file
  std::shared_ptr<const ElfTemplate> template_;
  std::vector<const void*> imports_;  // as facts().imports; nullptr for a weak one that nobody offers
  void* handle_ = nullptr;
  std::byte* bias_ = nullptr;  // what is added to the image's own addresses
};

}  // namespace dumpsim::loader
