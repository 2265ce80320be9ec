// SPDX-License-Identifier: Apache-2.0
// A filter built as an ELF shared library. Mapping is left to the system, so that debuggers and unwinders know the
// image like any library; C++ inline and template statics, which the system would share between copies, stay private.
#pragma once

#include <cstddef>
#include <vector>

#include "base/file.hpp"
#include "base/mapping.hpp"
#include "loader/elf_facts.hpp"
#include "loader/image.hpp"

namespace dumpsim::loader {

class ElfImage final : public Image {
 public:
  /// `file` is the whole of `path`. As Image::load.
  static Result<std::unique_ptr<Image>> load(const std::filesystem::path& path, std::vector<std::byte> file,
                                             const ExportTable& exports, LoadOptions options);
  ~ElfImage() override;

  const ElfFacts& facts() const { return facts_; }
  std::string_view missing_import_at(const void* address) const override;

 private:
  ElfImage(std::filesystem::path path, LoadOptions options, machine::Convention convention, ElfFacts facts)
      : Image(std::move(path), options, convention), facts_(std::move(facts)), trap_missing_(options.trap_missing) {}
  Result<void> trap(const std::vector<std::size_t>& missing);
  Result<void> bind(const ExportTable& exports);
  Result<void> map(std::vector<std::byte> file);
  Result<void> relocate();
  std::byte* at(std::uint64_t address) const { return bias_ + address; }

  ElfFacts facts_;
  std::vector<const void*> imports_;  // as facts_.imports; nullptr for a weak one that nobody offers
  bool trap_missing_;
  Mapping traps_;                        // a page nobody may touch for each missing import
  std::vector<std::string> trap_names_;  // in their order
  File copy_;                            // open as long as the image lives: its path must not name another file
  void* handle_ = nullptr;
  std::byte* bias_ = nullptr;  // what is added to the image's own addresses
};

}  // namespace dumpsim::loader
